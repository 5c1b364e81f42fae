//! An upstream that sends what a test dictates: part by part, behind a gate, and wrongly where asked to.

mod answer;
mod gate;
mod http1;
mod http2;
mod registry;
mod source;

pub use answer::{Answer, Framing};
pub use gate::Gate;
pub use registry::ScriptedRegistry;
pub use source::{Source, SourceBody};
