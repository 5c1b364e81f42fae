//! Times as Go reads them from JSON: RFC 3339, and what else `time.Parse` takes for it.

/// Whether Go takes this JSON value, which it does not unescape, for a time.
pub(super) fn is_time(json: &str) -> bool {
    let text = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    text.is_some_and(|text| parse(text.as_bytes()).is_some())
}

fn parse(text: &[u8]) -> Option<()> {
    let mut text = Text(text);
    let year = text.number(4)?;
    text.byte(b"-")?;
    let month = text.number(2).filter(|month| (1..=12).contains(month))?;
    text.byte(b"-")?;
    let day = text.number(2)?;
    text.byte(b"T")?;
    // One digit is enough for Go.
    let hour = match text.0.get(1) {
        Some(byte) if byte.is_ascii_digit() => text.number(2)?,
        _ => text.number(1)?,
    };
    text.byte(b":")?;
    let minute = text.number(2)?;
    text.byte(b":")?;
    let second = text.number(2)?;
    if matches!(text.0, [b'.' | b',', b'0'..=b'9', ..]) {
        text.0 = &text.0[1..];
        let digits = text.0.iter().take_while(|byte| byte.is_ascii_digit());
        text.0 = &text.0[digits.count()..];
    }
    if text.byte(b"Z").is_none() {
        text.byte(b"+-")?;
        // 24 hours and 60 minutes are some people's, says Go.
        text.number(2).filter(|hours| *hours <= 24)?;
        text.byte(b":")?;
        text.number(2).filter(|minutes| *minutes <= 60)?;
    }
    let is_real = (1..=days(month, year)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    (is_real && text.0.is_empty()).then_some(())
}

fn days(month: u32, year: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, byte| {
            let digit = char::from(*byte).to_digit(10)?;
            Some(number * 10 + digit)
        })
    }

    fn byte(&mut self, any_of: &[u8]) -> Option<()> {
        let (byte, rest) = self.0.split_first()?;
        any_of.contains(byte).then(|| self.0 = rest)
    }
}

#[cfg(test)]
mod tests {
    use super::is_time;

    #[test]
    fn times_that_go_takes() {
        for time in [
            "2020-01-02T03:04:05Z",
            "2020-01-02T3:04:05Z",
            "2020-02-29T23:59:59.123456789012Z",
            "0000-01-01T00:00:00,5Z",
            "2020-01-02T03:04:05+24:60",
            "2020-01-02T03:04:05-00:00",
        ] {
            assert!(is_time(&format!("{time:?}")), "{time}");
        }
    }

    #[test]
    fn times_that_go_refuses() {
        for time in [
            "",
            "2020-01-02",
            "2020-01-02 03:04:05Z",
            "2020-01-02t03:04:05Z",
            "2020-01-02T03:04:05z",
            "2020-01-02T03:04:05",
            "2020-01-02T03:04:05.Z",
            "2020-01-02T03:04:05+25:00",
            "2020-01-02T03:04:05+01:61",
            "2020-01-02T03:04:05+0100",
            "2021-02-29T03:04:05Z",
            "2020-13-02T03:04:05Z",
            "2020-00-02T03:04:05Z",
            "2020-01-00T03:04:05Z",
            "2020-01-32T03:04:05Z",
            "2020-01-02T24:04:05Z",
            "2020-01-02T03:60:05Z",
            "2020-01-02T03:04:60Z",
            "20200-01-02T03:04:05Z",
            "-020-01-02T03:04:05Z",
            "2020-1-02T03:04:05Z",
            "2020-01-02T03:04:05Z ",
        ] {
            assert!(!is_time(&format!("{time:?}")), "{time}");
        }
        assert!(!is_time("5"));
        assert!(!is_time("\""));
    }
}
