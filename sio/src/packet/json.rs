//! Whether a text is JSON (RFC 8259) that nests no deeper than allowed: one pass, without recursion, and no value is built.
//!
//! It runs over every packet before anybody is told of it, because a packet that is no JSON closes the connection (rule 24) and must
//! not reach a handler before; whoever reads the arguments goes over them once more, into the types that are wanted. Eight bytes of
//! a string are looked at at a time.

use super::DecodeError;

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Checks a whole text.
///
/// # Errors
/// [`DecodeError::TooDeep`] with the first bracket beyond `max_depth`, [`DecodeError::Json`] with the first byte that does not fit.
pub(super) fn check(text: &str, max_depth: usize) -> Result<(), DecodeError> {
    let mut rest = Rest(text.as_bytes());
    let mut open = Open::default();
    loop {
        // A value begins.
        let closes = match rest.token()? {
            b'"' => rest.string().map(|()| false)?,
            b'{' => {
                open.push(true, max_depth)?;
                match rest.token()? {
                    b'"' => {
                        rest.key()?;
                        continue;
                    }
                    b'}' => true,
                    _ => return Err(DecodeError::Json),
                }
            }
            b'[' => {
                open.push(false, max_depth)?;
                if !rest.closes_array() {
                    continue;
                }
                true
            }
            first @ (b'-' | b'0'..=b'9') => rest.number(first).map(|()| false)?,
            b't' => rest.literal(b"rue").map(|()| false)?,
            b'f' => rest.literal(b"alse").map(|()| false)?,
            b'n' => rest.literal(b"ull").map(|()| false)?,
            _ => return Err(DecodeError::Json),
        };
        if closes {
            open.pop();
        }
        // It has ended, and perhaps what it is in.
        loop {
            let Some(is_object) = open.innermost() else {
                rest.skip_blanks();
                return if rest.0.is_empty() { Ok(()) } else { Err(DecodeError::Json) };
            };
            match (rest.token()?, is_object) {
                (b',', false) => break,
                (b',', true) => {
                    if rest.token()? != b'"' {
                        return Err(DecodeError::Json);
                    }
                    rest.key()?;
                    break;
                }
                (b'}', true) | (b']', false) => open.pop(),
                _ => return Err(DecodeError::Json),
            }
        }
    }
}

/// What is left of the text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or(DecodeError::Json)?;
        self.0 = rest;
        Ok(*first)
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// The next byte that is no blank.
    #[inline]
    fn token(&mut self) -> Result<u8, DecodeError> {
        loop {
            // Most have no blanks at all.
            match self.byte()? {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                byte => return Ok(byte),
            }
        }
    }

    fn closes_array(&mut self) -> bool {
        self.skip_blanks();
        let closes = self.0.first() == Some(&b']');
        if closes {
            self.0 = &self.0[1..];
        }
        closes
    }

    fn literal(&mut self, rest: &[u8]) -> Result<(), DecodeError> {
        self.0 = self.0.strip_prefix(rest).ok_or(DecodeError::Json)?;
        Ok(())
    }

    /// A key behind its quote, and its colon.
    fn key(&mut self) -> Result<(), DecodeError> {
        self.string()?;
        if self.token()? == b':' { Ok(()) } else { Err(DecodeError::Json) }
    }

    /// A string behind its first quote. A lone surrogate is JSON, if nothing that Rust could hold.
    #[inline]
    fn string(&mut self) -> Result<(), DecodeError> {
        loop {
            self.skip_plain();
            match self.byte()? {
                b'"' => return Ok(()),
                b'\\' => match self.byte()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let (digits, rest) =
                            self.0.split_first_chunk::<4>().ok_or(DecodeError::Json)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(DecodeError::Json);
                        }
                        self.0 = rest;
                    }
                    _ => return Err(DecodeError::Json),
                },
                // Less than eight bytes before the end.
                0x20.. => {}
                _ => return Err(DecodeError::Json),
            }
        }
    }

    /// Skips what is neither a quote nor a backslash nor a control character, as far as there are eight bytes to look at.
    fn skip_plain(&mut self) {
        while let Some((word, rest)) = self.0.split_first_chunk::<8>() {
            let special = special(u64::from_le_bytes(*word));
            if special != 0 {
                self.0 = &self.0[special.trailing_zeros() as usize / 8..];
                return;
            }
            self.0 = rest;
        }
    }

    fn number(&mut self, first: u8) -> Result<(), DecodeError> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(DecodeError::Json),
        }
        if let [b'.', rest @ ..] = self.0 {
            self.0 = rest;
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.0 {
            self.0 = match rest {
                [b'+' | b'-', rest @ ..] => rest,
                rest => rest,
            };
            self.digits()?;
        }
        Ok(())
    }

    /// At least one.
    fn digits(&mut self) -> Result<(), DecodeError> {
        if !self.byte()?.is_ascii_digit() {
            return Err(DecodeError::Json);
        }
        self.skip_digits();
        Ok(())
    }

    fn skip_digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }
}

/// The high bit of the first byte that a string can't just go on with is the lowest that is set. Bits above it may be set without
/// reason: a subtraction borrows from the bytes behind.
const fn special(word: u64) -> u64 {
    let control = word.wrapping_sub(0x20 * EACH) & !word;
    let quote = word ^ (b'"' as u64 * EACH);
    let backslash = word ^ (b'\\' as u64 * EACH);
    (control | (quote.wrapping_sub(EACH) & !quote) | (backslash.wrapping_sub(EACH) & !backslash))
        & HIGH
}

/// Which brackets are open, a bit for each: an object or an array.
#[derive(Default)]
struct Open {
    depth: usize,
    innermost: u64,
    /// Those further out, 64 each.
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, is_object: bool, max: usize) -> Result<(), DecodeError> {
        if self.depth >= max {
            return Err(DecodeError::TooDeep);
        }
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.depth += 1;
        self.innermost = self.innermost << 1 | u64::from(is_object);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.innermost >>= 1;
        if self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }

    const fn innermost(&self) -> Option<bool> {
        if self.depth == 0 { None } else { Some(self.innermost & 1 == 1) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::{DecodeError, check};

    fn agrees(text: &str) {
        let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
        assert_eq!(check(text, usize::MAX).is_ok(), is_json, "{text:?}");
    }

    /// Each text as it is, cut at every character, and with every character changed.
    #[test]
    fn texts_whole_cut_and_changed_are_json_where_serde_says_so() {
        for text in [
            r#"["e",{"a":[1,-2.5e+3,0,-0,1E9,0.10],"":{}},[],[[]],null,true,false]"#,
            " [ \"e\" ,\t{ \"k\" :\n1 , \"l\" : [ ] } ,\r2 ] ",
            r#""plain text that is longer than eight bytes""#,
            r#""\"\\\/\b\f\n\r\té\ud800 and more \uDEAD""#,
            r#"{"é":"日本語 🦀 text","deep":[[[[{"x":{"y":[{}]}}]]]]}"#,
            "-12.5e-7",
            "true",
        ] {
            assert_eq!(check(text, usize::MAX), Ok(()), "{text}");
            for (at, c) in text.char_indices() {
                agrees(&text[..at]);
                for other in [
                    "", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", ".", "e", "-", "\u{1f}",
                    "\u{7f}", " ",
                ] {
                    agrees(&format!("{}{other}{}", &text[..at], &text[at + c.len_utf8()..]));
                    agrees(&format!("{}{other}{}", &text[..at], &text[at..]));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_heap_of_tokens_is_json_where_serde_says_so(
            tokens in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "\\", "\\u00e", "12", "0", "-", ".5", "e1",
                "true", "nul", "null", " ", "\n", "\u{b}", "é", "[1]", "{\"a\":1}", "longer than eight", "\u{0}",
            ]), 0..24)
        ) {
            agrees(&tokens.concat());
        }

        #[test]
        fn any_string_is_json_where_serde_says_so(inside in "[ -~\u{0}-\u{22}é\\\\\"]{0,40}") {
            agrees(&format!("\"{inside}\""));
        }
    }

    #[test]
    fn brackets_are_counted_beyond_64_and_told_apart() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 1000] {
            let kinds =
                |pair: usize| if pair.is_multiple_of(3) { ("{\"a\":", "}") } else { ("[", "]") };
            let opened: String = (0..depth).map(|level| kinds(level).0).collect();
            let closed: String = (0..depth).rev().map(|level| kinds(level).1).collect();
            let text = format!("{opened}0{closed}");
            assert_eq!(check(&text, depth), Ok(()), "{depth}");
            assert_eq!(check(&text, depth - 1), Err(DecodeError::TooDeep), "{depth}");
            let wrong = format!("{opened}0{}", closed.replacen(']', "}", 1));
            assert_eq!(check(&wrong, depth).is_ok(), wrong == text, "{depth}");
        }
        assert_eq!(check("[", 0), Err(DecodeError::TooDeep));
        assert_eq!(check(&"[".repeat(1 << 20), usize::MAX), Err(DecodeError::Json));
    }
}
