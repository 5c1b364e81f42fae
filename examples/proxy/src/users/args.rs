//! The options for users.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::address::Trusted;
use super::auth::{Memory, Users};
use super::htpasswd::Passwords;
use super::tokens::Tokens;
use crate::BoxError;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Users")]
pub(crate) struct UserArgs {
    /// Require these credentials. Set them by the variable or in the file: flags are visible in `ps`.
    #[arg(long, value_name = "USER:PASS")]
    basic_auth: Option<String>,
    /// Require a user of this file, with bcrypt or argon2 hashes, as `htpasswd -B` writes it.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Accept the Bearer tokens of this file: a name and the SHA-256 of a random token on each line.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Proxies in front, whose X-Forwarded-For names the address of a client. Also slows down an address that sends
    /// wrong passwords.
    #[arg(long, value_name = "ADDR|CIDR,...")]
    trusted_proxy: Option<String>,
}

impl UserArgs {
    pub(crate) fn are_needed(&self) -> bool {
        self.basic_auth.is_some() || self.users.is_some() || self.tokens.is_some()
    }

    pub(crate) fn source(&self) -> UserSource {
        let slows = self.trusted_proxy.is_some();
        UserSource {
            args: self.clone(),
            memory: Arc::new(Memory::new(slows)),
        }
    }

    /// # Errors
    ///
    /// It is not a list of addresses.
    pub(crate) fn trusted(&self) -> Result<Trusted, BoxError> {
        Trusted::parse(self.trusted_proxy.as_deref().unwrap_or_default())
    }
}

/// Where users come from. It remembers passwords when the files are read again.
#[derive(Debug)]
pub(crate) struct UserSource {
    args: UserArgs,
    memory: Arc<Memory>,
}

impl UserSource {
    /// `None` if everyone may use the proxy.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is wrong, or an option is.
    pub(crate) fn read(&self) -> Result<Option<Users>, BoxError> {
        let args = &self.args;
        if !args.are_needed() {
            return Ok(None);
        }
        let basic = args.basic_auth.as_deref().map(|basic| {
            let parts = basic.split_once(':');
            let parts = parts.filter(|(user, password)| !user.is_empty() && !password.is_empty());
            let (user, password) = parts.ok_or("--basic-auth needs USER:PASS")?;
            Ok::<_, BoxError>((user.to_owned(), password.to_owned()))
        });
        let passwords = args.users.as_deref().map(Passwords::read).transpose()?;
        let tokens = args.tokens.as_deref().map(Tokens::read).transpose()?;
        Ok(Some(Users::new(
            basic.transpose()?,
            passwords.unwrap_or_default(),
            tokens.unwrap_or_default(),
            Arc::clone(&self.memory),
        )))
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let users = self.args.users.as_deref();
        users.into_iter().chain(self.args.tokens.as_deref())
    }
}
