//! PowerShell code, and what it comes to in the words of a shell.

use super::{batch, encoded, translate};

#[track_caller]
fn check(code: &str, expected: &str) {
    let told =
        translate(code, Some("/home/dev")).map(|told| told.replace("\0u\0", "?").replace("\0n\0", "!"));
    assert_eq!(told.as_deref().map(str::trim_end), Some(expected), "{code}");
}

#[test]
fn programs_get_the_words_that_powershell_gives_them() {
    for (code, expected) in [
        ("git push --force origin main", "'git' 'push' '--force' 'origin' 'main'"),
        ("git commit -m 'it''s'", "'git' 'commit' '-m' 'it'\\''s'"),
        ("git commit -m \"a `\"b`\" $HOME\"", "'git' 'commit' '-m' 'a \"b\" /home/dev'"),
        ("& 'git' push; git.exe status # x", "'git' 'push'\n'git' 'status'"),
        ("& \"C:\\Program Files\\Git\\bin\\GIT.EXE\" push", "'c:/program files/git/bin/git' 'push'"),
        ("$r = 'main'; git push origin \"+$r\"", "'git' 'push' 'origin' '+main'"),
        ("$a = 'pu' + 'sh'\ngit $a -f", "'git' 'push' '-f'"),
        ("git p`ush `\n  --force", "'git' 'push' '--force'"),
        ("git push <# not now #> -f", "'git' 'push' '-f'"),
        ("git push @options", "'git' 'push' ?"),
        ("git push $unknown", "'git' 'push' '?'"),
        ("$m = @'\ngit push -f\n'@\ngit commit -m $m", "'git' 'commit' '-m' 'git push -f'"),
        ("cargo test && git push -f || exit 1", "'cargo' 'test'\n'git' 'push' '-f'"),
        ("if ($true) { git push -f } else { ls }", "'git' 'push' '-f'\n'ls'"),
        (
            "foreach ($b in 'a','b') { git push origin \"+$b\" }",
            "'git' 'push' 'origin' '+a'\n'git' 'push' 'origin' '+b'",
        ),
        ("'a','b' | % { git branch -D $_ }", "'git' 'branch' '-D' 'a'\n'git' 'branch' '-D' 'b'"),
        ("function f { git push -f }; f", "'git' 'push' '-f'"),
        ("function f { git push -f }", "'git' 'push' '-f'"),
        ("function f($a, $b = '-f') { git push $a $b }; f origin", "'git' 'push' 'origin' '-f'"),
        (
            "function f {\n[CmdletBinding()]\nparam([string]$Ref)\ngit push origin $Ref }\nf -Ref +main",
            "'git' 'push' 'origin' '+main'",
        ),
        ("function f { git @args }; f push -f", "'git' 'push' '-f'"),
        ("function f { f }; f", ""),
        ("$a = 'push', '-f'; git @a", "'git' 'push' '-f'"),
        ("$h = @{ FilePath = 'git'; ArgumentList = 'push -f' }; Start-Process @h", "'git' 'push' '-f'"),
        (
            "iex ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('Z2l0IHB1c2ggLWY=')))",
            "'git' 'push' '-f'",
        ),
        ("'DROP TABLE t' | psql app", "printf '%s\\n' 'DROP TABLE t' | 'psql' 'app'"),
        ("make > out.txt 2>&1", "'make' > 'out.txt'"),
        ("$x = $(git push -f)", "'git' 'push' '-f'"),
        ("Write-Host \"git push $(git push -f)\"", "'git' 'push' '-f'"),
        ("Start-Process git -ArgumentList 'push','--force'", "'git' 'push' '--force'"),
        ("Start-Process -FilePath git.exe -Args 'push --force' -Wait", "'git' 'push' '--force'"),
        ("iex 'git push -f'", "'git' 'push' '-f'"),
        ("('git push' + ' -f') | iex", "'git' 'push' '-f'"),
        ("& ([scriptblock]::Create('git push -f'))", "'git' 'push' '-f'\n'?'"),
        ("'{0} push -f' -f 'git' | Invoke-Expression", "'git' 'push' '-f'"),
        ("Set-Alias g git; g push -f", "'git' 'push' '-f'"),
        ("$env:AGENT_ID = 'a'", "'export' 'AGENT_ID=a'"),
        ("cmd /c \"rd /s /q C:\\\"", "'cmd' '/c' 'rd /s /q C:\\'"),
    ] {
        check(code, expected);
    }
}

#[test]
fn cmdlets_are_told_in_the_words_of_a_shell() {
    let both = |paths: &str| format!("'Remove-Item' '-Recurse' '--' {paths}\n'rm' '-rf' '--' {paths}");
    for (code, paths) in [
        ("Remove-Item -Recurse -Force ~", "'/home/dev'"),
        ("Remove-Item $HOME -Recurse", "'/home/dev'"),
        ("ri $env:USERPROFILE -r -fo", "'/home/dev'"),
        ("REMOVE-ITEM -rec -path:/srv/data -fo", "'/srv/data'"),
        ("Remove-Item -LiteralPath 'C:\\' -Recurse", "'C:/'"),
        ("Remove-Item \"$HOME\\*\" -Recurse", "'/home/dev/'*''"),
        ("Remove-Item (Join-Path $HOME 'src') -Recurse", "'/home/dev/src'"),
        ("Get-ChildItem / | Remove-Item -Recurse -Force", "'/'*''"),
        ("gci C:\\ | % { ri $_.FullName -r }", "'C:/'*''"),
        ("'/srv' | Remove-Item -Recurse", "'/srv'"),
        ("[IO.Directory]::Delete('/srv', $true)", "'/srv'"),
        ("Microsoft.PowerShell.Management\\Remove-Item -Recurse /srv", "'/srv'"),
        ("& 'Remo`ve-Item' /x; $c = 'Remove-Item'; & $c -Recurse /srv", "'/srv'"),
    ] {
        let told = translate(code, Some("/home/dev")).unwrap_or_default();
        assert!(told.contains(&both(paths)), "{code}: {told}");
    }
    for (code, expected) in [
        ("Remove-Item -Recurse / -WhatIf", ""),
        (
            "Remove-Item -Recurse /a -Include *.tmp",
            "'Remove-Item' '-Recurse' '--' '/a/'*'.tmp'\n'rm' '-rf' '--' '/a/'*'.tmp'",
        ),
        ("New-Item -Path ~/a -Name b -Value x -Force", "printf '%s\\n' 'x' | 'cat' > '/home/dev/a/b'"),
        ("New-Item a.txt", ""),
        ("Rename-Item src/a.txt b.txt", "'mv' '-f' '--' 'src/a.txt' 'src/b.txt'"),
        ("[IO.File]::CreateText('a')", "printf '%s\\n' '?' | 'cat' > 'a'"),
        ("$h = @{ how = '-f' }; git push $h.how $h['how']", "'git' 'push' '-f' '-f'"),
        ("$l = 'push', '-f'; git $l[0] $l[1]", "'git' 'push' '-f'"),
        ("git push ([char]45 + 'f')", "'git' 'push' '-f'"),
        ("Stop-Process -Name node; Stop-Process -Id 7", "'pkill' '-x' 'node'\n'kill' '7'"),
        ("Get-Help Clear-Disk; gcm Clear-Disk; Get-Alias ri", ""),
        ("Set-Content -Path a.txt -Value 'x'", "printf '%s\\n' 'x' | 'cat' > 'a.txt'"),
        ("'x' | Out-File a.txt -Append", "printf '%s\\n' 'x' | 'cat' >> 'a.txt'"),
        ("\"x\" > a.txt", "printf '%s\\n' 'x' | 'cat' > 'a.txt'"),
        ("cd src; Pop-Location", "'cd' 'src'\n'popd'"),
        ("gc .env", "'cat' '--' '.env'"),
        ("iwr https://x -OutFile a.sh", "'curl' '-s' 'https://x' '-o' 'a.sh'"),
        ("iex (iwr https://x)", "'curl' '-s' 'https://x'\n'eval' '?'"),
        ("Invoke-Sqlcmd -Query 'DROP TABLE t'", "'sqlcmd' '-Q' 'DROP TABLE t'"),
        ("Move-Item a b -Force", "'mv' '-f' '--' 'a' 'b'"),
        ("Get-Process | Where-Object { $_.CPU -gt 10 } | Sort-Object CPU", "'get-process'"),
    ] {
        check(code, expected);
    }
}

#[test]
fn command_lines_of_cmd_are_told_as_well() {
    for (code, expected) in [
        ("rd /s /q C:\\", "'Remove-Item' '-Recurse' '--' 'C:/'\n'rm' '-rf' '--' 'C:/'"),
        ("cd app & git push -f", "'cd' 'app'\n'git' 'push' '-f'"),
        ("echo rd /s C:\\ && git.exe status", "'git' 'status'"),
        ("rd /s /q %UserProfile%", "'Remove-Item' '-Recurse' '--' '/home/dev'\n'rm' '-rf' '--' '/home/dev'"),
        ("if not exist x rd /s x", "'Remove-Item' '-Recurse' '--' 'x'\n'rm' '-rf' '--' 'x'"),
        ("for %i in (a b) do git clean %i", "'a' 'b'\n'git' 'clean' '%i'"),
        ("start /b /wait git push -f", "'git' 'push' '-f'"),
        ("echo a b > c.txt 2>&1", "printf '%s\\n' 'a b' | 'cat' > 'c.txt'"),
        ("make >nul 2>>err.txt", "'make' >> 'err.txt'"),
        ("move /y a\\b c", "'mv' '--' 'a/b' 'c'"),
        ("g^it pu^sh \"a & b\"", "'git' 'push' 'a & b'"),
    ] {
        assert_eq!(batch(code, Some("/home/dev")).trim_end(), expected, "{code}");
    }
}

#[test]
fn what_is_no_code_is_not_read() {
    for code in ["'no end", "@'\nno end", &"(".repeat(100), &"$x = {".repeat(100)] {
        assert_eq!(translate(code, None), None, "{code}");
    }
    assert_eq!(encoded("ZwBpAHQA"), Some("git".to_owned()));
    assert_eq!(encoded("?"), None);
}

#[test]
fn long_code_is_read_in_one_pass() {
    for code in ["git status; ", "[a ", "[$x", "a[b]", "\"$x\" "] {
        let _ = translate(&code.repeat(4_000), None);
    }
    assert!(translate(&"git status; ".repeat(4_000), None).is_some());
    let rounds = "foreach ($a in 1,2,3,4,5,6,7,8) { ".repeat(6) + "git status" + &"}".repeat(6);
    assert_eq!(translate(&rounds, None), None);
}

/// Code put together of pieces, good and bad, neither ends the reader nor keeps it.
#[test]
fn pieces_in_any_order_are_read_or_refused() {
    const PIECES: [&str; 46] = [
        "git push -f ",
        "$x",
        " = ",
        "'",
        "\"",
        "@'\n",
        "\n'@",
        "@\"\n",
        "\n\"@",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "|",
        "||",
        "&&",
        "&",
        ";",
        "\n",
        "`",
        "`\n",
        "#",
        "<#",
        "#>",
        "%",
        "?",
        "-join",
        "-f ",
        ",",
        "+",
        ".",
        "::",
        "$(",
        "@(",
        "@{",
        "${",
        "if ",
        "foreach ($a in ",
        "function f ",
        "iex ",
        "\u{2019}",
        "\u{2013}r",
        "\0u\0",
        "é> ",
    ];
    let mut state = 7_u64;
    for _ in 0..3_000 {
        let mut code = String::new();
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            code.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
        }
        let told = translate(&code, Some("/home/dev"));
        assert!(told.is_none_or(|told| told.len() < 1 << 20), "{code}");
        assert!(batch(&code, None).len() < 1 << 20, "{code}");
    }
}
