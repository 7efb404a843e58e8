"""The modules of the explorer's script become one script, in which each has names of its own."""

import re

import pytest

from helpers.explorer import page_data
from labelmaps.explorer.page import PAGE, WEB, join_modules, render_explorer


def write_modules(folder, **modules):
    for name, code in modules.items():
        (folder / f"{name}.js").write_text(code, encoding="utf-8")
    return folder / "main.js"


def test_modules_come_after_those_that_they_import_and_once(tmp_path):
    main = write_modules(
        tmp_path,
        main='import { a } from "./a.js";\nimport {\n  b,\n  $,\n} from "./b.js";\n\na(b, $);\n',
        a='import { b } from "./b.js";\n\nexport function a() {}\n',
        b="const a = 1;\nexport const b = a;\nexport class $ {}\nexport async function c() {}\n",
    )
    assert join_modules(main) == (
        '"use strict";\nconst modules = {};\n'
        'modules["b.js"] = (() => {\nconst a = 1;\nconst b = a;\nclass $ {}\nasync function c() {}\n'
        "return { b, $, c };\n})();\n"
        'modules["a.js"] = (() => {\nconst { b } = modules["b.js"];\n\nfunction a() {}\nreturn { a };\n})();\n'
        'modules["main.js"] = (() => {\nconst { a } = modules["a.js"];\n'
        'const {\n  b,\n  $,\n} = modules["b.js"];\n\na(b, $);\nreturn {  };\n})();\n'
    )


@pytest.mark.parametrize(
    "statement",
    [
        *(
            'import "./a.js";',
            'import a from "./a.js";',
            'import * as a from "./a.js";',
            'import { a as b } from "./a.js";',
        ),
        *(
            'import { a } from "https://example.org/a.js";',
            'import { a } from "../a.js";',
            'import { a } from "a";',
        ),
        *(
            "export default 1;",
            "export { a };",
            'export * from "./a.js";',
            "export let a = 1;",
            "export const { a } = b;",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(tmp_path, statement):
    main = write_modules(tmp_path, main=f"// first\n{statement}\n", a="export const a = 1;\n")
    with pytest.raises(ValueError, match=f"main.js: cannot join `{re.escape(statement)}`"):
        join_modules(main)


def test_modules_that_import_each_other_are_refused(tmp_path):
    main = write_modules(
        tmp_path,
        main='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(ValueError, match=r"main.js imports a.js imports b.js imports a.js: modules cannot"):
        join_modules(main)


def test_the_page_holds_every_module_and_no_other_file():
    joined = re.findall(r'^modules\["(.+)"\] = ', join_modules(WEB / "main.js"), re.MULTILINE)
    assert sorted(joined) == [path.name for path in PAGE if path.suffix == ".js"]
    page = render_explorer(page_data())
    assert page.count("<script") == page.count("</script>") == 2
    assert not re.search(r"^\s*(import|export)\b", page, re.MULTILINE)
    assert not re.search(r"\{\{\w+\}\}", page)
