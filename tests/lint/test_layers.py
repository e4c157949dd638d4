#!/usr/bin/env python3
"""The check of layers and manner is itself checked: each fault, put into a small tree on purpose, is found."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IDEA = "/* An idea. */\n"
# Name: (file, its text, what must be said; None: nothing)
CASES = {
    "good_code_passes": ("common/proof/a.c", IDEA + '#include "common/base/b.h"\n#include <sodium.h>\n', None),
    "a_lower_layer_may_not_include_a_higher": ("common/base/a.c", '#include "common/vault/c.h"\n', "a higher layer"),
    "the_server_may_not_include_the_vault": ("server/a.c", '#include "common/vault/c.h"\n', "a higher layer"),
    "a_path_starts_at_the_root": ("common/base/a.c", '#include "b.h"\n', "no path from the root"),
    "a_folder_without_a_layer_is_found": ("common/misc/a.c", "", "in no layer"),
    "a_foreign_header_has_a_home": ("common/sync/a.c", "#include <msgpack.h>\n", "has its home in common/wire"),
    "sqlite_is_at_home_in_the_view": ("client/view/a.c", "#include <sqlite3.h>\n", None),
    "sqlite_is_not_at_home_in_the_client": ("client/a.c", "#include <sqlite3.h>\n", "has its home"),
    "openssl_is_for_the_certificate_maker": ("server/a.c", "#include <openssl/x509.h>\n", "has its home"),
    "threads_are_not_for_the_engine": ("common/sync/a.c", "#include <pthread.h>\n", "not portable C"),
    "a_clock_is_not_for_the_engine": ("common/sync/a.c", "int a = time(0);\n", "time() is banned"),
    "a_role_is_no_condition": ("common/sync/a.c", "#ifdef WITH_SERVER\n#endif\n", "a role or a platform"),
    "an_include_guard_is_fine": ("common/base/a.h", IDEA + "#ifndef SAT_A_H\n#define SAT_A_H\n#endif\n", None),
    "a_header_says_its_idea": ("common/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n", "a comment that says its idea"),
    "a_tab_is_found": ("server/a.c", "\tint a;\n", "a tab"),
    "a_long_line_is_found": ("server/a.c", "/*%s*/\n" % ("x" * 117), "121 columns"),
    "columns_are_characters": ("server/a.c", "/*%s*/\n" % ("行" * 116), None),
    "a_long_file_is_found": ("server/a.c", "int a;\n" * 701, "a file of 701 lines"),
    "a_long_function_is_found": ("server/a.c", "int f(void)\n{\n%s}\n" % ("    g();\n" * 101), "of 101 lines"),
    "an_unbounded_call_is_banned": ("server/a.c", "strcpy(a, b);\n", "strcpy() is banned"),
    "a_comment_or_a_text_is_no_call": ("server/a.c", 'int a; /* strcpy(a, b) */\nconst char *b = "gets(c)";\n', None),
    "a_listing_that_was_reflowed_is_found": ("server/a.h", "/* Idea:\n *   one    two\n * three */\n", "at the margin"),
    "a_listing_ends_with_an_empty_line": ("server/a.h", "/* An idea:\n *   one    two\n *\n * Three. */\n", None),
    "cryptography_goes_through_the_engine": ("server/a.c", "crypto_box_easy(a);\n", "is called in common/proof"),
}


def findings(file, text):
    with tempfile.TemporaryDirectory() as root:
        for path, content in ((file, text), ("common/base/b.h", IDEA), ("common/vault/c.h", IDEA)):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                out.write(content)
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "check_layers.py"), root],
                              capture_output=True, encoding="utf-8")
        return done.returncode, [line for line in done.stdout.splitlines() if line.startswith(file)]


def main():
    passed = failed = 0
    for name, (file, text, wanted) in CASES.items():
        code, lines = findings(file, text)
        right = code == 0 and not lines if wanted is None else code == 1 and any(wanted in line for line in lines)
        passed, failed = (passed + 1, failed) if right else (passed, failed + 1)
        if not right:
            print("%s: exit code %d: %s" % (name, code, lines))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
