//! Polling by `<script>` elements, for pages that can make no other request: the answer is a call of `___eio[n]`, a POST is the field
//! `d` of a form.

/// A payload as the argument of the client's callback.
#[must_use]
pub fn write_callback(callback: u32, payload: &str) -> String {
    let json = serde_json::to_string(payload).expect("a string is always JSON");
    // In JavaScript of old these end a line, in JSON they don't.
    let script = json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("___eio[{callback}]({script});")
}

/// The payload in a form; `None` if there is none.
#[must_use]
pub fn read_form(form: &str) -> Option<String> {
    let field = form.split('&').find_map(|pair| pair.strip_prefix("d="))?;
    let text = decode(field)?;
    // Forms change line feeds, so that clients write `\n` for one, and `\\n` for what was `\n` before.
    let mut payload = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\\n") {
        let is_escaped = rest[..at].ends_with('\\');
        payload.push_str(&rest[..at - usize::from(is_escaped)]);
        payload.push_str(if is_escaped { "\\n" } else { "\n" });
        rest = &rest[at + 2..];
    }
    payload.push_str(rest);
    Some(payload)
}

/// Percent-decoding of `application/x-www-form-urlencoded`.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                // Two hexadecimal digits are at most 255.
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_21_the_callback_is_valid_script() {
        assert_eq!(
            write_callback(3, "2:4\"\u{2028}\u{2029}</"),
            "___eio[3](\"2:4\\\"\\u2028\\u2029</\");"
        );
    }

    #[test]
    fn rule_21_the_field_of_a_form() {
        for (form, payload) in [
            ("d=2%3A4a", Some("2:4a")),
            ("x=1&d=2%3A4+", Some("2:4 ")),
            ("d=3%3A4%5Cn", Some("3:4\n")),
            ("d=4%3A4%5C%5Cn", Some("4:4\\n")),
            ("d=%5Cna%5Cn", Some("\na\n")),
            ("d=%F0%9F%A6%80", Some("🦀")),
            ("d=%", None),
            ("d=%zz", None),
            ("d=%ff", None),
            ("e=1", None),
            ("", None),
        ] {
            assert_eq!(read_form(form).as_deref(), payload, "{form}");
        }
    }
}
