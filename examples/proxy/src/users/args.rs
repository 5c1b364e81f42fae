//! The options for users.

use std::path::{Path, PathBuf};

use clap::Args;

use super::address::Trusted;
use super::auth::Users;
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
    /// Proxies in front, whose X-Forwarded-For names the address of a client. Also delays repeated wrong credentials from
    /// one address.
    #[arg(long, value_name = "ADDR|CIDR,...")]
    trusted_proxy: Option<String>,
}

impl UserArgs {
    pub(crate) fn are_needed(&self) -> bool {
        self.basic_auth.is_some() || self.users.is_some() || self.tokens.is_some()
    }

    /// `None` if everyone may use the proxy.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is wrong, or an option is.
    pub(crate) fn read(&self) -> Result<Option<Users>, BoxError> {
        if !self.are_needed() {
            return Ok(None);
        }
        let basic = match self
            .basic_auth
            .as_deref()
            .map(|basic| basic.split_once(':'))
        {
            Some(None) => return Err("--basic-auth needs USER:PASS".into()),
            Some(Some((user, password))) => Some((user.to_owned(), password.to_owned())),
            None => None,
        };
        let passwords = self.users.as_deref().map(Passwords::read).transpose()?;
        let tokens = self.tokens.as_deref().map(Tokens::read).transpose()?;
        let slows = self.trusted_proxy.is_some();
        Ok(Some(Users::new(
            basic,
            passwords.unwrap_or_default(),
            tokens.unwrap_or_default(),
            slows,
        )))
    }

    /// # Errors
    ///
    /// It is not a list of addresses.
    pub(crate) fn trusted(&self) -> Result<Trusted, BoxError> {
        Trusted::parse(self.trusted_proxy.as_deref().unwrap_or_default())
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.users
            .as_deref()
            .into_iter()
            .chain(self.tokens.as_deref())
    }
}
