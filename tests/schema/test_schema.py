# configs/schema.json: it is the one of the program's keys; every shipped config fits it as YAML 1.1 and as YAML 1.2
# reads its numbers; and no config of the golden errors does whose mistake is a key, a type, a choice or a range.
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
sys.path[:0] = [str(SOURCE / "scripts"), str(SOURCE / "tests/schema")]

import schema  # noqa: E402
from validate import complaints  # noqa: E402

try:
    import yaml
except ModuleNotFoundError:
    yaml = None

GOLDEN = SOURCE / "tests/golden/config"
MODELINE = "# yaml-language-server: $schema="
OF_A_KEY = r"unknown key|must be|wants|unknown \w+ '|is missing|needs|is not a|has no"
NO_SCHEMA_SEES = {  # mistakes of the text, of several files or of values together
    "set_mistakes", "set_swept", "grid_path", "grid_twice", "grid_same_ids", "grid_too_large", "zip_lengths",
    "table_ids", "cross_field"}


def read(text: str, twelve: bool):
    """`twelve`: a number with an exponent is one, as in YAML 1.2, else a text; and yes is a text, else true."""
    class Loader(yaml.SafeLoader):
        pass
    if twelve:
        Loader.yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":bool")]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
        Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(schema.EXPONENT), list("-+0123456789."))
    return yaml.load(text, Loader)


@unittest.skipIf(yaml is None, "PyYAML is not installed")
class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.schema = json.loads(schema.FILE.read_text())
        cls.configs = sorted((SOURCE / "configs").glob("*.yaml"))

    def test_every_shipped_config_fits_and_names_the_schema(self) -> None:
        for config in self.configs:
            for twelve in (False, True):
                with self.subTest(config.stem, twelve=twelve):
                    text = config.read_text()
                    self.assertIn(MODELINE + "schema.json\n", text)
                    self.assertEqual(complaints(read(text, twelve), self.schema, self.schema)[:3], [])

    def test_a_slip_in_a_shipped_config_does_not_fit(self) -> None:
        for config, right, wrong in (("quickstart", "optimizer:", "optimiser:"),
                                     ("quickstart", "name: apg2", "name: apg9"),
                                     ("smoke", "depth:     [2, 2]", "depth: [2, 0]"),
                                     ("smoke", "learning_rate: 0.05", "learning_rate: fast"),
                                     ("smoke", "name: conv_postact", "name: conv_post"),
                                     ("table_1_parity", "rows:", "lines:")):
            with self.subTest(f"{config}: {wrong}"):
                text = (SOURCE / f"configs/{config}.yaml").read_text()
                self.assertIn(right, text)
                self.assertNotEqual(complaints(read(text.replace(right, wrong, 1), True), self.schema, self.schema), [])

    def test_no_golden_error_of_a_key_a_type_a_choice_or_a_range_fits(self) -> None:
        sample = schema.file_schema(json.loads((GOLDEN / "schema.json").read_text()))
        seen = 0
        for config in sorted((GOLDEN / "errors").glob("*.yaml")):
            said = config.with_suffix(".txt").read_text(errors="replace")
            first = next((line for line in said.splitlines() if ": error: " in line), "")
            if config.stem in NO_SCHEMA_SEES or not re.search(OF_A_KEY, first):
                continue
            try:
                value = read(config.read_text(), True)  # not UTF-8: no text
            except (yaml.YAMLError, ValueError, RecursionError):
                continue
            seen += 1
            with self.subTest(config.stem):
                self.assertNotEqual(complaints(value, sample, sample), [], first)
        self.assertGreater(seen, 8)


class UpToDate(unittest.TestCase):
    def test_the_file_is_the_one_of_the_programs_keys(self) -> None:
        run = subprocess.run([sys.executable, SOURCE / "scripts/schema.py", "--check"])
        self.assertEqual(run.returncode, 0, "scripts/schema.py writes it")


if __name__ == "__main__":
    unittest.main()
