use super::*;

#[test]
fn substitutions_end_where_bash_ends_them() {
    for (text, rest) in [
        ("ls) x", " x"),
        ("echo ')' \")\" \\)) x", " x"),
        ("case a in a) ls;; (b) ls;; esac) x", " x"),
        ("echo case) x", " x"),
        ("ls # )\n) x", " x"),
        ("cat <<E\n)\nE\n) x", " x"),
        ("cat <<'E)'\n)\nE)\n) x", " x"),
        ("cat <<E\n)\nE) x", " x"),
        ("echo $((1<<2)) `)` ${x:-)}) x", " x"),
        ("((a)); (b)) x", " x"),
    ] {
        let end = closing_paren(text, 0).unwrap_or_else(|| panic!("no end in {text:?}"));
        assert_eq!(&text[end + 1..], rest, "{text:?}");
    }
    assert_eq!(closing_paren("ls 'x)", 0), None);
    assert_eq!(closing_brace("x:-\"}\"'}'\\}$(})} x", 0, false).map(|end| end + 2), Some(17));
    assert_eq!(closing_arithmetic("(a); b)", 0), None);
}

#[test]
fn only_data_is_cut_out() {
    let body = "rm -rf / # ' \" $(\n".repeat(1000);
    for (text, expected) in [
        (format!("cat <<'E' >f\n{body}E\nls"), "cat <<'E' >f\n\u{0}3\u{0}\nE\nls"),
        (format!("cat <<-E\n{body}\tE\nls <<F\nx\nF\n"), "cat <<-E\n\u{0}3\0\n\tE\nls <<F\n\u{0}4\0\nF\n"),
        (format!("x=$(cat <<E\n{body}E\n)"), "x=$(cat <<E\n\u{0}3\0\nE\n)"),
        (format!("cat <<E\n{body}"), "cat <<E\n\u{0}3\0\n"),
    ] {
        let prepared = prepare(&text, 3).unwrap();
        assert_eq!(prepared.cut.as_deref(), Some(expected));
        assert!(prepared.parts[0].starts_with("rm -rf /"), "{text:.40}");
    }
    let long = "echo $((1<<2)) # <<E\necho '<<E' \"<<E\"\n".repeat(200);
    assert_eq!(prepare(&long, 0).unwrap().cut, None);
}

#[test]
fn what_the_parser_could_not_bear_is_refused() {
    for (text, refusal) in [
        ("a".repeat(MAX_CODE + 1), Some(Refusal::TooLong)),
        ("$(".repeat(17), Some(Refusal::TooDeep)),
        ("{ ".repeat(65), Some(Refusal::TooDeep)),
        ("if ".repeat(65), Some(Refusal::TooDeep)),
        (format!("echo $(({}1))", "-".repeat(2000)), Some(Refusal::TooDeep)),
        (format!("(({}1))", "-".repeat(2000)), Some(Refusal::TooDeep)),
        (format!("echo `{}`", "-".repeat(5000)), Some(Refusal::TooLong)),
        ("a;".repeat(MAX_COMMANDS + 1), Some(Refusal::TooLong)),
        ("$(".repeat(16), None),
        ("if a; then b; fi\n".repeat(1000), None),
        ("case a in a) b;; esac; ".repeat(1000), None),
        ("f() { a; }\n".repeat(1000), None),
    ] {
        assert_eq!(prepare(&text, 0).err(), refusal, "{text:.40}");
    }
}
