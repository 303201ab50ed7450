//! The few ways in which answers in XML are read. Namespaces are not looked at.

use roxmltree::{Document, Node};

/// The first element below `node` that is called `name`.
pub fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The text of the child called `name`, where there is one that is not empty.
pub fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).and_then(|child| child.text()).map(str::trim).filter(|text| !text.is_empty())
}

/// The children of the child called `list` that are called `item`.
pub fn items<'a, 'i>(
    node: Node<'a, 'i>,
    list: &str,
    item: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    let list = child(node, list);
    list.into_iter().flat_map(|list| list.children()).filter(move |child| child.tag_name().name() == item)
}

/// Code and message of an answer that is an error, whatever its status was.
pub fn fault(body: &[u8]) -> Option<(String, String)> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    let error = match root.tag_name().name() {
        "Error" => root,
        "ErrorResponse" => child(root, "Error").unwrap_or(root),
        // Route 53's own form for a batch of changes that it does not take.
        "InvalidChangeBatch" => {
            let said: Vec<_> = items(root, "Messages", "Message").filter_map(|node| node.text()).collect();
            return Some(("InvalidChangeBatch".to_owned(), said.join("; ")));
        }
        _ => return None,
    };
    let code = text(error, "Code").unwrap_or("an error without a code");
    Some((code.to_owned(), text(error, "Message").unwrap_or_default().to_owned()))
}

/// `text` as it stands within an element.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_seen_in_every_form() {
        let seen = |text: &str| fault(text.as_bytes()).map(|(code, said)| format!("{code}|{said}"));
        let plain = "<ErrorResponse xmlns=\"x\"><Error><Code>Throttling</Code><Message>slow</Message></Error></ErrorResponse>";
        assert_eq!(seen(plain).as_deref(), Some("Throttling|slow"));
        let batch = "<InvalidChangeBatch><Messages><Message>a</Message><Message>b</Message></Messages></InvalidChangeBatch>";
        assert_eq!(seen(batch).as_deref(), Some("InvalidChangeBatch|a; b"));
        assert_eq!(seen("<ErrorResponse/>").as_deref(), Some("an error without a code|"));
        for fine in ["<GetChangeResponse/>", "<", "", "{}", "<!DOCTYPE x [<!ENTITY a \"b\">]><Error/>"] {
            assert_eq!(seen(fine), None, "{fine}");
        }
    }
}
