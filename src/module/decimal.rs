//! Numbers of a version: decimals of any size, kept as text.
//!
//! Semantic versions set no limit to a number, and versions beyond 64 bits exist. All functions
//! take digits without a leading zero.

use std::cmp::Ordering;

/// The order of the values.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    // Without leading zeros the longer number is the larger one.
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// `number + 1`.
pub(crate) fn increment(number: &str) -> String {
    let nines = number.len() - number.trim_end_matches('9').len();
    let head = &number[..number.len() - nines];
    let mut sum = match head.as_bytes().last() {
        Some(&digit) => {
            let mut kept = head[..head.len() - 1].to_owned();
            kept.push(char::from(digit + 1));
            kept
        }
        None => "1".to_owned(),
    };
    sum.extend(std::iter::repeat_n('0', nines));
    sum
}

/// `number - 1`, or `None` when `number` is zero.
pub(crate) fn decrement(number: &str) -> Option<String> {
    let zeros = number.len() - number.trim_end_matches('0').len();
    let head = &number[..number.len() - zeros];
    let &digit = head.as_bytes().last()?;
    let mut difference = head[..head.len() - 1].to_owned();
    let shrinks = difference.is_empty() && digit == b'1' && zeros > 0;
    if !shrinks {
        difference.push(char::from(digit - 1));
    }
    difference.extend(std::iter::repeat_n('9', zeros));
    Some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_up_and_down_carries_and_borrows_beyond_64_bits() {
        for (low, high) in [
            ("0", "1"),
            ("9", "10"),
            ("99", "100"),
            ("109", "110"),
            ("199", "200"),
            ("18446744073709551615", "18446744073709551616"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(increment(low), high);
            assert_eq!(decrement(high).as_deref(), Some(low));
            assert_eq!(compare(low, high), Ordering::Less);
        }
        assert_eq!(decrement("0"), None);
    }
}
