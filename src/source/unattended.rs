/// In the extensions of a request that no client waits for: its fill lets those go first that one waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unattended;
