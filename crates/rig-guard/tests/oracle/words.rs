//! Random scripts about words: quotes, expansions, substitutions.

use super::random::Random;

impl Random {
    /// One piece of a word, in any kind of quotes.
    fn piece(&mut self) -> String {
        const PLAIN: [&str; 9] = ["a", "b", "Z", "9", "-", ".", "/", "%", "é"];
        match self.below(18) {
            0..=2 => self.text(&PLAIN, 3),
            3 => format!(
                "'{}'",
                self.text(&["a", " ", "\"", "\\", "$V", "`", "*", "\n", "#", "$(x)", "{a,b}"], 4)
            ),
            4 => format!(
                "\"{}\"",
                self.text(
                    &["a", " ", "'", "\\\"", "\\\\", "\\$", "\\a", "\\`", "$V", "${W}", "*", "~", "#"],
                    4
                )
            ),
            5 => format!(
                "$'{}'",
                self.text(
                    &[
                        "a", "\\n", "\\t", "\\x41", "\\101", "\\u00e9", "\\'", "\\\\", "\\\"", "\"", "$V",
                        "\\q", " "
                    ],
                    4
                )
            ),
            6 => format!(
                "\\{}",
                self.pick(&["a", " ", "'", "\"", "\\", "$", "*", "?", "~", "#", ";", "&", "|", "(", "é"])
            ),
            7 => self
                .pick(&["$V", "${V}", "$W", "\"$W\"", "\"${W}x\"", "${V}${W}", "$E", "\"$E\"", "$V$W"])
                .to_owned(),
            8 => self
                .pick(&[
                    "${U:-d e}",
                    "\"${U:-d e}\"",
                    "${U-'d e'}",
                    "${E:-x}",
                    "${E-x}",
                    "${V:+y}",
                    "${E:+y}",
                    "${V:=z}",
                    "${N:=z w}",
                ])
                .to_owned(),
            9 => self
                .pick(&[
                    "{a,b}",
                    "x{1..3}y",
                    "{a,{b,c}}",
                    "{$V,'x y'}",
                    "{a,}z",
                    "{}",
                    "\\{a,b}",
                    "\"{a,b}\"",
                    "{c..a}",
                ])
                .to_owned(),
            10 => self
                .pick(&[
                    "$(echo a b)",
                    "\"$(echo a b)\"",
                    "$(echo 'a  b')",
                    "\"$(printf '%s-' x y)\"",
                    "$(echo \"$V\")",
                    "$(echo ')')",
                ])
                .to_owned(),
            11 => self
                .pick(&[
                    "`echo a b`",
                    "\"`echo a b`\"",
                    "`echo \\`echo x\\``",
                    "`echo '\\$V'`",
                    "\"`echo \\\"$V\\\"`\"",
                ])
                .to_owned(),
            12 => "$\"a $V\"".to_owned(),
            13 => "\\\n".to_owned(),
            14 => self
                .pick(&[
                    "$(cat <<'E'\nh $V\nE\n)",
                    "\"$(cat <<E\nh $V \\$V\nE\n)\"",
                    "$(cat <<-E\n\th\n\tE\n)",
                    "$(cat <<< \"x $V\")",
                ])
                .to_owned(),
            15 => self
                .pick(&[
                    "\"$(echo \"a $(echo b)\")\"",
                    "$(echo $(echo c))",
                    "\"${U:-$(echo q)}\"",
                    "${U:-\"${W}\"}",
                    "$(case a in a) echo m;; esac)",
                ])
                .to_owned(),
            16 => self.pick(&["\"$@\"", "$*", "\"$*\"", "$1", "\"${2}\"", "$#x"]).replace("$#x", "x"),
            _ => "=:,".chars().nth(self.below(3)).unwrap().to_string(),
        }
    }

    fn word(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.piece()).collect()
    }

    pub(crate) fn words(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn show(&mut self) -> String {
        format!("show {}", self.words())
    }

    pub(crate) fn script(&mut self) -> String {
        let mut script = String::from("set -- p1 'p 2'\nV=val W='w 1  w2' E=\n");
        for _ in 0..=self.below(2) {
            let show = self.show();
            let line = match self.below(22) {
                0..=6 => show,
                7 => format!("({show}); {}", self.show()),
                8 => format!("{{ {show}; }} && {}", self.show()),
                9 => format!("if {show}; then {}; fi", self.show()),
                10 => format!("for i in {}; do show \"$i\" $i; done", self.words()),
                11 => format!("f() {{ {show}; show \"$@\"; }}; f {}", self.words()),
                12 => format!("eval '{} end'", show.replace('\'', "'\\''")),
                13 => format!("export V W E; bash -c '{} end' sh q 'r s'", show.replace('\'', "'\\''")),
                14 => format!("env A=1 {show}"),
                15 => format!("nice -n 1 timeout 60 {show}"),
                16 => "printf 'x y\\nz' | xargs show 1".to_owned(),
                17 => format!("X={} Y={}; show \"$X\" $X \"$Y\"", self.word(), self.word()),
                18 => format!("V={} {show}", self.word()),
                19 => format!("cat <<E | xargs show\nk {}\nE", self.pick(&["$V", "l", "m-n"])),
                20 => format!("case a in a) {show};; b) show no;; esac || true"),
                _ => format!("! {show} # show no\ntrue"),
            };
            script.push_str(&line);
            script.push('\n');
        }
        // `$Va` would be another variable.
        script.replace("$V", "${V}").replace("$W", "${W}").replace("$E", "${E}")
    }
}
