//! netrc files, as far as entries have to be left out of one.

/// The entries of these hosts. A `default`, which is for all hosts, is left out, and so are macros.
pub(super) fn of_hosts(text: &str, mut is_wanted: impl FnMut(&str) -> bool) -> String {
    let mut kept = String::new();
    let mut keeps = false;
    let mut rest = text;
    while let Some(word) = next_word(&mut rest) {
        match word {
            "machine" => {
                let machine = next_word(&mut rest).unwrap_or_default();
                // The go command knows paths behind a host.
                let host = machine.split('/').next().unwrap_or(machine);
                keeps = is_wanted(host);
                if keeps {
                    kept.push_str(&format!("\nmachine {machine}"));
                }
            }
            "default" => keeps = false,
            // Up to the next blank line.
            "macdef" => {
                keeps = false;
                rest = rest.split_once("\n\n").map_or("", |(_, rest)| rest);
            }
            "login" | "password" | "account" => {
                let value = next_word(&mut rest).unwrap_or_default();
                if keeps {
                    kept.push_str(&format!(" {word} {value}"));
                }
            }
            // A comment.
            _ if word.starts_with('#') => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
            _ => {}
        }
    }
    kept.push('\n');
    kept
}

/// The hosts, without paths behind them.
pub(super) fn machines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    of_hosts(text, |host| {
        found.push(host.to_owned());
        true
    });
    found
}

/// The users with their passwords.
pub(super) fn logins(text: &str) -> Vec<(String, String)> {
    let (mut found, mut user) = (Vec::new(), String::new());
    let text = of_hosts(text, |_| true);
    let mut rest = text.as_str();
    while let Some(word) = next_word(&mut rest) {
        let mut value = || next_word(&mut rest).unwrap_or_default().trim_matches('"');
        match word {
            "machine" => drop(value()),
            "account" => drop(value()),
            "login" => user = value().to_owned(),
            "password" => {
                let password = value();
                if !password.is_empty() {
                    found.push((user.clone(), password.to_owned()));
                }
            }
            _ => {}
        }
    }
    found
}

/// The next word, which blanks end; one in quotes goes on to the next quote.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    if text.is_empty() {
        return None;
    }
    let quoted = text.strip_prefix('"').map(|inner| end_of_quote(inner) + 1);
    let end = quoted.unwrap_or_else(|| text.find(char::is_whitespace).unwrap_or(text.len()));
    let (word, after) = text.split_at(end);
    *rest = after;
    Some(word)
}

/// Where the text behind a quote goes on behind the closing one.
fn end_of_quote(inner: &str) -> usize {
    let mut escaped = false;
    for (at, char) in inner.char_indices() {
        match char {
            '\n' => return at,
            '"' if !escaped => return at + 1,
            _ => escaped = char == '\\' && !escaped,
        }
    }
    inner.len()
}

#[cfg(test)]
mod tests {
    use super::{logins, of_hosts};

    #[test]
    fn entries_of_other_hosts_stay_as_they_are() {
        let text = "machine a.example login ann password one\n\
            machine b.example\n  login bob\n  account x\n  password machine\n\
            machine a.example/team login ann password two\n\
            # machine a.example login old password old\n#\n\
            macdef init\nmachine c.example login no password no\n\n\
            machine c.example login \"c d\" password \"a \\\" machine b\"\n\
            default login any password any\n";
        let want = "\nmachine b.example login bob account x password machine\
            \nmachine c.example login \"c d\" password \"a \\\" machine b\"\n";
        assert_eq!(of_hosts(text, |host| host != "a.example"), want);
        assert_eq!(
            logins("machine a login ann password \"p w\" machine b login bob password two"),
            [("ann", "p w"), ("bob", "two")].map(|(user, password)| (user.into(), password.into()))
        );
        assert_eq!(of_hosts("", |_| true), "\n");
        assert_eq!(of_hosts("machine", |_| true), "\nmachine \n");
        assert_eq!(of_hosts("machine x \"", |_| true), "\nmachine x\n");
    }
}
