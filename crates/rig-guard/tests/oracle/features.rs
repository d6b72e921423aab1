//! Random scripts about everything that a shell does before it runs a command.

use super::random::Random;

/// Texts that are put into the holes of a template.
const VALUES: [&str; 14] = [
    "a/b/c.tar.gz",
    "x y",
    "",
    "Hello World",
    "--opt=val",
    "a:b::c",
    "0123456789",
    "foo.bar.baz",
    " lead",
    "trail ",
    "a*b?",
    "/usr/lib/../x",
    "ünï",
    "aXbXc",
];
const PATTERNS: [&str; 14] = [
    "*/",
    "*.",
    "a",
    "?",
    "[a-c]*",
    "\"*\"",
    "/*",
    ".*",
    "X",
    "[!a]",
    "\"$P\"",
    "$P",
    "*[0-9]",
    "[[:upper:]]",
];
const WORDS: [&str; 15] = [
    "of=~/h", "k=b:~/h", "--x=~/h", "a", "'b c'", "\"$V\"", "$V", "\"\"", "d/e", "{f,g}", "-n", "\\*",
    "x\"y z\"", "$((2+3))", "~/h",
];
const TEXTS: [&str; 8] = ["abc", "one two", "r-m", "x/y/z.txt", "A1b2", "q", "hello", "tic tac toe"];
const NUMBERS: [&str; 8] = ["0", "1", "2", "3", "7", "10", "-1", "-2"];
const EXPRESSIONS: [&str; 16] = [
    "I+1",
    "I*J-3",
    "(I+2)*J",
    "I**2",
    "I%3",
    "I<J?10:20",
    "I==J||I>2",
    "I&&J",
    "-I+ +J",
    "~I",
    "I<<2|1",
    "0x1f+I",
    "010+J",
    "2#101",
    "I++ + J--",
    "K=I*2,K+1",
];

/// Templates: `%v` is a text, `%p` a pattern, `%w` words, `%t` a plain text, `%n` a number, `%e` an
/// expression, `%#` a number of its own.
const TEMPLATES: &[&str] = &[
    "V='%v'; P='%t'; show \"${V#%p}\" \"${V##%p}\" \"${V%%p}\" \"${V%%%p}\"",
    "V='%v'; P=b; show \"${V/%p/Z}\" \"${V//%p/Z}\" \"${V/#%p/Z}\" \"${V/%%p/Z}\" \"${V//%p}\"",
    "V='%v'; show \"${V:%n}\" \"${V:%n:2}\" \"${V: -2}\" \"${W:1:-1}\"",
    "V='%v'; show \"${V^}\" \"${V^^}\" \"${V,}\" \"${V,,}\" \"${V^^[a-m]}\" \"${V~~}\"",
    "V='%v'; N=V; show ${#V} \"${!N}\" \"${!N#a}\" ${#N}",
    "V='%v'; unset U; show \"${V:-d}\" \"${U-d e}\" ${U:-d e} \"${V:+s}\" ${U+s} \"${V-'q'}\" \"${U:='%t'}\" \"$U\"",
    "V='%v'; show \"${V@Q}\" \"${V@U}\" \"${V@L}\"",
    "V='%v'; show $V \"$V\" x${V}y \"x${V}y\" $V$V",
    "IFS=:; V='%v'; show $V \"$V\" x$V; set -- $V; show \"$*\" $* \"$@\" $#",
    "IFS=' :'; V=' a : b:: c '; show $V; read -r A B C <<< \"$V\"; show \"$A\" \"$B\" \"$C\"",
    "IFS=; V='%v'; set -- a 'b c'; show $V \"$*\" $*",
    "V='%t'; A=(%w %w); show \"${A[@]}\" \"${A[*]}\" ${#A[@]} \"${!A[@]}\"",
    "V='%t'; A=(a 'b c' d e); A+=(%w); A[1]='%v'; show \"${A[@]:1:2}\" \"${A[-1]}\" ${A[@]} \"${A[1]}\" ${#A[1]}",
    "A=(p/q r/s 't u'); show \"${A[@]#*/}\" \"${A[@]/s/Z}\" \"${A[@]^}\" \"x${A[@]}y\" \"${A[@]:%n:1}\"",
    "A=(a b c); unset 'A[1]'; show \"${A[@]}\" \"${!A[@]}\" ${#A[@]}; A=(); show \"${A[@]}\" x${A[0]}",
    "A=([2]=x [5]='y z' w); show \"${A[@]}\" \"${!A[@]}\"; A[1+2]=k; show \"${A[3]}\"",
    "declare -A M=([k]='%v' ['x y']=2); M[z]='%t'; K='x y'; show \"${M[k]}\" \"${M[$K]}\" ${#M[@]} \"${M[none]-no}\"",
    "set -- %w %w z; show \"$1\" $2 \"${3}\" $# \"${@:2}\" \"${@:1:1}\"; shift; show \"$@\"",
    "set -- a 'b c' d; show \"x$@y\" \"$*\" \"${@: -1}\" \"${!#}\" \"${*:2}\"; shift 2; show \"$@\" $#",
    "f() { local V='%t' W=$1; show \"$V\" \"$W\" \"$#\"; V=in; }; V=out; f %w %w; show \"$V\"",
    "f() { [ \"$1\" -le 0 ] && return; show \"$1\"; f $(($1-1)); }; f 2",
    "f() { if [ \"$1\" = a ]; then show yes; return 0; fi; show other; }; f a; f b; f '%t'",
    "f() { echo \"<$1>\"; }; show \"$(f '%v')\" $(f %w)",
    "f() { V=set; }; (f; show \"$V\"); show \"${V-unset}\"; f; show \"$V\"",
    "I=%n J=2; show $((%e)) $((%e)); show \"$I\" \"$J\"",
    "I=3 J=4; ((I+=J)); let 'J=I*2' K=1; show $I $J $K $[I-J]; ((I > 5)) && { show big; true; } || show small",
    "declare -i I=3+4; I+=5; declare -u W='%t'; declare -l L='%v'; show $I \"$W\" \"$L\"",
    "for i in %w %w; do show \"$i\"; done; show \"last $i\"",
    "for i in 1 2 3 4; do [ $i -eq 2 ] && continue; [ $i = 4 ] && break; show $i; done; show end",
    "for i in a b; do for j in 1 2 3; do [ $j = 2 ] && continue 2; [ $i = b ] && break 2; show $i$j; done; done",
    "for ((i=0, j=9; i<3; i++, j--)); do show $i $j; done",
    "i=0; while [ $i -lt 3 ]; do i=$((i+1)); [ $i = 2 ] && continue; show $i; done; until ((i<=1)); do ((i--)); show u$i; done",
    "set -- a b c; while [ $# -gt 0 ]; do show \"$1\"; shift; done; for x; do show no; done",
    "case '%v' in %p) show one;; a*|*z) show two;; *) show three;; esac",
    "case \"%t\" in abc) show 1;& x) show 2;; [a-o]*) show 3;;& *e*) show 4;; *) show 5;; esac",
    "if [ '%t' = abc ]; then show a; elif [[ '%t' == o* ]]; then show b; elif [ -z '%v' ]; then show c; else show d; fi",
    "[[ -n '%v' && '%t' != abc ]] && { show 1; true; } || show 2; [[ ! ( 3 -gt 2 ) || a < b ]]; [ ! '%v' ] && show 3; test '%t' != q && show 4",
    "true && { show 1; :; } || show 2; false && show 3 || show 4; ! true || show 5; ! false && show 6; { false; } || show 7",
    "V='%v'; [ -z \"$V\" ] && show empty; [ -n \"$V\" ] && show \"$V\"; [[ $V == *b* ]] && show has",
    "read -r A B <<< '%v'; show \"$A\" \"$B\"; IFS=: read -ra P <<< \"a:%t:c\"; show \"${P[@]}\" ${#P[@]}",
    "while read -r A B; do show \"$A\" \"$B\"; done <<< $'a b c\\nd\\n  e  f '",
    "while IFS= read -r L; do show \"$L\"; done < <(printf '%s\\n' '%v' '%t'); mapfile -t M <<< $'x\\ny z'; show \"${M[@]}\" ${#M[@]}",
    "printf '%s\\n' b '%t' | while read -r L; do show \"<$L>\"; done",
    "printf -v V '%s-%05d-%x' '%t' 42 255; show \"$V\"; printf -v V '%b' 'a\\tb\\x41'; show \"$V\"; show \"$(printf '%3s|%-3s|%.2s' a b cde)\"",
    "show \"$(printf '%s,' a b c)\" \"$(printf '%d%%' 7)\" \"$(printf '%c' xyz)\" \"$(printf '\\101\\n')\" $(printf '%s ' x y)",
    "show \"$(basename '/a/%t')\" \"$(dirname 'a/b/%t')\" \"$(basename x.txt .txt)\" \"$(dirname x)\" \"$(dirname /x)\"",
    "show \"$(echo '%t' | rev)\" \"$(echo '%t' | tr a-z A-Z)\" \"$(tr -d aeiou <<< '%t')\" \"$(echo aabbcc | tr -s ab)\"",
    "show \"$(echo 'a:b:c' | cut -d: -f2)\" \"$(cut -c2-3 <<< '%t')\" \"$(echo a,b,c | cut -d , -f 1,3)\"",
    "show \"$(printf '%s\\n' a b c | head -n 2)\" \"$(printf '%s\\n' a b c | tail -1)\" \"$(printf '1\\n2\\n' | tac)\" $(seq 3) $(seq -s, 2 4)",
    "show \"$(echo '%t' | base64)\" \"$(echo '%t' | base64 | base64 -d)\" \"$(base64 -d <<< cm0gLXJm)\"",
    "show \"$(echo '%t' | sed 's/o/0/g')\" \"$(sed s/a/b/ <<< banana)\" \"$(echo x | cat - <(echo y))\"",
    "cd /; cd /usr && show \"$PWD\" \"$OLDPWD\" ~+; cd .. && show \"$(pwd)\"; cd - > /dev/null; show \"$PWD\"",
    "cd /; pushd /usr > /dev/null; show \"$PWD\"; pushd /tmp > /dev/null; popd > /dev/null; show \"$PWD\"; popd > /dev/null; show \"$PWD\"",
    "V=1; (V=2; show $V); show $V; { V=3; }; show $V; V=4 show $V; V=5 bash -c 'show $V'; export V; bash -c 'show $V $0 \"$@\"' z %w",
    "V='%t'; eval \"show '$V'\"; eval show '\"$V\"' '$V'; C='show x'; $C y; eval \"$C\" z; eval \"$(echo show w)\"",
    "V='%v'; cat <<E | xargs -d '\\n' show\n$V\n\\$V\n$(echo in)\nE\nshow \"$(cat <<'E'\n$V %t\nE\n)\"",
    "V='%t'; show \"$(cat <<-E\n\t<$V>\n\t\tx\n\tE\n)\" \"$(cat <<< \"h $V\")\"",
    "echo 'show \"$1\" %w' > f%#; bash f%# one; V='%t'; . ./f%# two; printf 'show %s\\n' a b >> f%#; bash f%# q",
    "echo 'V=fromfile' > g%#; V=here; (. ./g%#; show $V); show $V; source ./g%#; show $V \"$(cat g%#)\" \"$(< g%#)\"",
    "printf 'a b\\nc\\n' | xargs -n 1 show; printf 'a\\nb c\\n' | xargs -I{} show '<{}>' {}; echo 'x \"y z\" w\\ v' | xargs show",
    "cd /; show ~ ~/x ~+ \"~\" a~ ~root/y; V=~/a:~/b; show \"$V\"",
    "V='%t'; show {a,${V},'c d'}{1,2} x{3..1}y {a..e..2} {01..03} \\{a,b} \"{a,b}\" {a} {,z}q",
    "shopt -s expand_aliases\nalias s='show al'\ns %w\nalias t='s more '\nt b",
    "f() { show \"$FUNC\" \"$@\"; }; FUNC='%t' f a; command show %w; (exec show e); builtin eval 'show b'",
    "declare -n R=T; T='%v'; show \"$R\"; R=new; show \"$T\"; g() { local -n X=$1; X=via; }; g T; show \"$T\"",
    "show \"$(cat <(echo '%t') <(echo 2))\"; while read -r a; do show \"$a\"; done < <(seq 2)",
    "env A='%t' bash -c 'show \"$A\"'; A=1 env -u A bash -c 'show \"${A-gone}\"'; env -i PATH=\"$PATH\" show i",
    "nice -n 1 timeout 9 env B=2 show %w; xargs show k < <(echo j); timeout -k 1 9 bash -c 'show $0' n",
    "V=$'a\\nb'; show \"${V%$'\\n'*}\" \"${V#*$'\\n'}\" $V; W=\"${V//$'\\n'/,}\"; show $W",
    "V='%v'; W=\"${V:-$(echo '%t')}\"; show \"$W\" \"${W:0:$((1+1))}\" \"${W/${W:0:1}/_}\"",
    "A=(); for w in %w %w; do A+=(\"$w\"); done; show \"${A[@]}\"; B=(\"${A[@]}\" end); show ${#B[@]} \"${B[@]: -1}\"",
    "f() { for a; do case $a in -*) show opt \"$a\";; *) show arg \"$a\";; esac; done; }; f -x %w --y=1",
    "V='%t'; if [[ $V == *[0-9]* ]]; then show digits; fi; [ \"${#V}\" -gt 4 ] && { show long; true; } || show short",
    "unset V; show ${V-a b} \"${V-a b}\" ${V:+x} \"${V+x}\"; V=; show ${V-a} \"${V:-b}\" ${V:+x} \"${V+x}\"",
    "V=x; V+=y; V+='%v'; show \"$V\"; A=(1); A+=(2 3); show \"${A[*]}\"; declare -i N=1; N+=2; show $N",
    "f() { show \"$1\"; shift; [ $# -gt 0 ] && f \"$@\"; }; f a b; g() { return 1; }; g && show wrong || show ok",
    "x=$(exit 0); (exit 1) || show sub; V=$(echo a; echo b); show \"$V\" $V; show \"$(echo \"$(echo '%v')\")\"",
    "true; { show g1; show g2; } | cat; (show s) & wait; show after; time_=1; show $time_",
    "readonly RO='%t'; show \"$RO\"; export E1=1 E2='%v'; bash -c 'show \"$E1\" \"$E2\"'; unset E1; show \"${E1-gone}\"",
];

impl Random {
    /// Returns a script made of one template.
    pub(crate) fn feature(&mut self, number: usize) -> String {
        let template = TEMPLATES[number % TEMPLATES.len()];
        let mut script = String::from("V=val; P=pat; W='w 1'\n");
        let mut chars = template.chars().peekable();
        while let Some(c) = chars.next() {
            // `${V%%p}` and `%%%p` cut a pattern off; `%s` and `%d` are printf's.
            let hole = chars.peek().copied().filter(|_| c == '%');
            let with = match hole {
                Some('v') => self.pick(&VALUES).to_owned(),
                Some('p') => self.pick(&PATTERNS).to_owned(),
                Some('w') => self.pick(&WORDS).to_owned(),
                Some('t') => self.pick(&TEXTS).to_owned(),
                Some('n') => self.pick(&NUMBERS).to_owned(),
                Some('e') => self.pick(&EXPRESSIONS).to_owned(),
                Some('#') => number.to_string(),
                _ => {
                    script.push(c);
                    continue;
                }
            };
            chars.next();
            script.push_str(&with);
        }
        script.push('\n');
        script
    }
}
