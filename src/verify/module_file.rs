/// A `go.mod` has a `module` line. The go command itself takes an empty one, so a file
/// cut short to nothing would poison every client. The error is the reason.
pub(super) fn check_module_file(content: &[u8]) -> Result<(), &'static str> {
    let declares = content.split(|byte| *byte == b'\n').any(|line| {
        let rest = line.trim_ascii_start().strip_prefix(b"module");
        rest.is_some_and(|rest| {
            rest.first().is_some_and(|byte| b" \t\"`(".contains(byte))
                && !rest.trim_ascii().is_empty()
        })
    });
    match declares {
        true => Ok(()),
        false => Err(".mod has no module line"),
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
        assert!(check_module_file(b"// \xff\nmodule a.b\n").is_ok());
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
