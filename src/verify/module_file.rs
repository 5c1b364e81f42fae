use super::error::Rejected;

/// A `go.mod` is text with a `module` line. The go command itself takes an empty one, so a file
/// cut short to nothing would poison every client.
pub(crate) fn check_module_file(content: &[u8]) -> Result<(), Rejected> {
    let Ok(text) = std::str::from_utf8(content) else {
        return Err(Rejected::new(".mod is not UTF-8"));
    };
    let declares = text.lines().any(|line| {
        line.trim_start()
            .strip_prefix("module")
            .is_some_and(|rest| {
                rest.starts_with([' ', '\t', '"', '`', '(']) && !rest.trim().is_empty()
            })
    });
    if declares {
        Ok(())
    } else {
        Err(Rejected::new(".mod declares no module"))
    }
}

#[cfg(test)]
mod tests {
    use super::check_module_file;

    #[test]
    fn takes_any_module_line() {
        for content in [
            "module example.com/m\n",
            "// Deprecated: use v2\nmodule example.com/m // note\n\ngo 1.21\n",
            "\tmodule \"example.com/m\"\r\n",
            "module (\n\texample.com/m\n)\n",
        ] {
            assert!(check_module_file(content.as_bytes()).is_ok(), "{content}");
        }
    }

    #[test]
    fn refuses_a_file_without_one() {
        for content in [
            "",
            "\n\n",
            "go 1.21\n",
            "modules x\n",
            "module \n",
            "<html>",
        ] {
            assert!(check_module_file(content.as_bytes()).is_err(), "{content}");
        }
    }
}
