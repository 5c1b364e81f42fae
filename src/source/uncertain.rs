/// In the extensions of a response that something does not exist or is refused: a registry that may have it was away, and was
/// left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncertain;
