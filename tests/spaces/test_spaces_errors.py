"""Every mistake in a space file is answered with the file, the line, the key and what to do."""

import os
import re
import time

import pytest

from automl.errors import SpaceError
from automl.spaces.load import load_space

HEAD = "architecture: {conv_net: }\n"
TAUGHT = HEAD + "distiller: {dynamic_layerwise: }\n"
MISTAKES = {
    "misspelt top-level key": (
        HEAD + "prunner:\n  level:\n",
        2, "prunner", "unknown key; did you mean pruner?",
    ),
    "unknown top-level key": (
        HEAD + "zzz: 1\n",
        2, "zzz", "unknown key; known keys: description, dataset, objectives, architecture, training",
    ),
    "misspelt option of the data set": (
        HEAD + "dataset:\n  source: imagefolder:d\n  resiz: 4\n",
        4, "dataset.resiz", "a data set has no option 'resiz': did you mean resize?",
    ),
    "size of pictures that is none": (
        HEAD + "dataset:\n  source: imagefolder:d\n  resize: 4 by 4\n",
        4, "dataset.resize", "resize=4 by 4 is not understood: write WIDTHxHEIGHT",
    ),
    "background that YAML takes for a comment": (
        HEAD + "dataset:\n  source: imagefolder:d\n  background: #fff\n",
        4, "dataset.background", "there is no value; write white, black, grey or '#rrggbb'",
    ),
    "option of the data set stated twice": (
        HEAD + "dataset: imagefolder:d?resize=4&resize=5\n",
        2, "dataset", "'resize' stands twice",
    ),
    "data set without a source": (
        HEAD + "dataset:\n  resize: 4\n",
        2, "dataset.source", "this key is missing; write one such as source: imagefolder:DIR",
    ),
    "data set that is a number": (
        HEAD + "dataset: 4\n",
        2, "dataset", "4 is no data set; write one such as digits",
    ),
    "unknown augmentation": (
        HEAD + "training:\n  augmentation: mirror\n",
        3, "training.augmentation", "Input should be 'none', 'shift', 'flip' or 'shift_and_flip' (got 'mirror')",
    ),
    "misspelt key of a section": (
        HEAD + "training:\n  epochs: 3\n  learning_rat: 0.1\n",
        4, "training.learning_rat", "unknown key; did you mean learning_rate?",
    ),
    "misspelt key of a profile": (
        HEAD + "pruner: {level: }\nsparsity:\n  levl: 0.5\n",
        4, "sparsity.levl", "unknown key; did you mean level?",
    ),
    "misspelt key of offsets": (
        HEAD + "sparsity:\n  level: 0.5\n  offsets: {section: 2, sections: 2, min: 0, max: 1}\n",
        4, "sparsity.offsets.section", "unknown key; did you mean sections?",
    ),
    "profile without a level": (
        HEAD + "sparsity:\n  slope: 0.5\n",
        2, "sparsity.level", "this key is missing; add it, or per_layer in its place",
    ),
    "level beside one number a layer": (
        HEAD + "pruner: {level: }\nsparsity:\n  per_layer: {layers: 4, min: 0, max: 0.5}\n  level: 0.5\n",
        5, "sparsity.level", "per_layer gives each layer its own number; remove level",
    ),
    "slope beside one number a layer": (
        HEAD + "weight_bits:\n  per_layer: {layers: 4, min: 2, max: 8}\n  slope: 0\n",
        4, "weight_bits.slope", "per_layer gives each layer its own number; remove slope",
    ),
    "one number a layer of no layers": (
        HEAD + "weight_bits:\n  per_layer: {layers: 0, min: 2, max: 8}\n",
        3, "weight_bits.per_layer.layers", "Input should be greater than or equal to 1 (got 0)",
    ),
    "one number a layer of unsaid layers": (
        HEAD + "weight_bits:\n  per_layer: {min: 2, max: 8}\n",
        3, "weight_bits.per_layer.layers", "this key is missing; add it",
    ),
    "misspelt key of one number a layer": (
        HEAD + "weight_bits:\n  per_layer: {layer: 4, min: 2, max: 8}\n",
        3, "weight_bits.per_layer.layer", "unknown key; did you mean layers?",
    ),
    "one number a layer outside its range": (
        HEAD + "quantizer: {ptq: }\nweight_bits:\n  per_layer: {layers: 4, min: 0, max: 8}\n",
        4, "weight_bits.per_layer", "0 is outside 2 to 8",
    ),
    "one number a layer upside down": (
        HEAD + "quantizer: {ptq: }\nweight_bits:\n  per_layer: {layers: 4, min: 8, max: 2}\n",
        4, "weight_bits.per_layer", "range is upside down: min 8 is above max 2",
    ),
    "misspelt technique": (
        HEAD + "pruner:\n  none:\n  l1_nrm:\n",
        4, "pruner.l1_nrm", "unknown technique 'l1_nrm'; did you mean l1_norm",
    ),
    "technique of another stage": (
        HEAD + "pruner:\n  qat:\n",
        3, "pruner.qat", "technique 'qat' is of the stage quantizer, not pruner; techniques of the stage pruner: ",
    ),
    "misspelt field": (
        "architecture:\n  conv_net:\n    dept: 3\n",
        3, "architecture.conv_net.dept", "conv_net has no such field; it has depth",
    ),
    "field near to none": (
        "architecture:\n  conv_net:\n    zzz: 3\n",
        3, "architecture.conv_net.zzz", "conv_net has no such field; it has depth, width_1",
    ),
    "misspelt key of a range": (
        "architecture:\n  conv_net:\n    depth: {min: 2, mx: 4}\n",
        3, "architecture.conv_net.depth.mx", "unknown key; did you mean max?",
    ),
    "range with one end": (
        "architecture:\n  conv_net:\n    depth: {min: 2}\n",
        3, "architecture.conv_net.depth.max", "this key is missing; add it",
    ),
    "range with a key too many": (
        "architecture:\n  conv_net:\n    depth: {min: 2, max: 4, stp: 1}\n",
        3, "architecture.conv_net.depth.stp", "unknown key; did you mean step?",
    ),
    "range upside down": (
        "architecture:\n  conv_net:\n    depth: 3\n    width_1: {min: 32, max: 8}\n",
        4, "architecture.conv_net.width_1", "range is upside down: min 32 is above max 8",
    ),
    "profile upside down": (
        HEAD + "pruner: {level: }\nsparsity:\n  level: {min: 0.5, max: 0.1}\n",
        4, "sparsity.level", "range is upside down: min 0.5 is above max 0.1",
    ),
    "offsets upside down": (
        HEAD + "pruner: {level: }\nsparsity:\n  level: 0.5\n  offsets: {sections: 2, min: 1, max: 0}\n",
        5, "sparsity.offsets", "range is upside down: min 1 is above max 0",
    ),
    "step that misses the end": (
        "architecture:\n  conv_net:\n    width_1: {min: 8, max: 16, step: 3}\n",
        3, "architecture.conv_net.width_1", "max 16 is not min 8 plus a multiple of step 3",
    ),
    "step of zero": (
        "architecture:\n  conv_net:\n    width_1: {min: 8, max: 16, step: 0}\n",
        3, "architecture.conv_net.width_1.step", "Input should be greater than or equal to 1 (got 0)",
    ),
    "bound that is no number": (
        "architecture:\n  conv_net:\n    width_1:\n      min: eight\n      max: 16\n",
        4, "architecture.conv_net.width_1.min", "(got 'eight')",
    ),
    "value outside the legal range": (
        "architecture:\n  conv_net:\n    depth: 9\n",
        3, "architecture.conv_net.depth", "9 is refused: Input should be less than or equal to 4",
    ),
    "range that leaves the legal one": (
        "architecture:\n  conv_net:\n    depth: {min: 1, max: 3}\n",
        3, "architecture.conv_net.depth", "1 is refused: Input should be greater than or equal to 2",
    ),
    "choice outside the legal ones": (
        "architecture:\n  conv_net:\n    activation: [relu, selu]\n",
        3, "architecture.conv_net.activation", "'selu' is refused: Input should be 'relu', 'tanh'",
    ),
    "range over a gap in the legal values": (
        "architecture:\n  conv_net:\n    kernel: {min: 3, max: 5}\n",
        3, "architecture.conv_net.kernel", "4 is refused: Input should be 3 or 5",
    ),
    "real range of a whole number": (
        "architecture:\n  conv_net:\n    depth: {min: 2.0, max: 4.5}\n",
        3, "architecture.conv_net.depth", "2.0 is refused: Input should be a valid integer",
    ),
    "level outside its range": (
        HEAD + "pruner: {level: }\nsparsity:\n  level: {min: 0.1, max: 0.99}\n",
        4, "sparsity.level", "0.99 is outside 0 to 0.95",
    ),
    "bits outside their range": (
        HEAD + "quantizer: {ptq: }\nweight_bits: {level: 1}\n",
        3, "weight_bits.level", "1 is outside 2 to 8",
    ),
    "level that is a word": (
        HEAD + "quantizer: {ptq: }\nweight_bits: {level: many}\n",
        3, "weight_bits.level", "'many' is outside 2 to 8",
    ),
    "slope that is a word": (
        HEAD + "quantizer: {ptq: }\nweight_bits: {level: 4, slope: steep}\n",
        3, "weight_bits.slope", "'steep' is no finite number",
    ),
    "slope without end": (
        HEAD + "quantizer: {ptq: }\nweight_bits: {level: 4, slope: .inf}\n",
        3, "weight_bits.slope", "'.inf' cannot be read: it is no finite number",
    ),
    "list in a list": (
        HEAD + "quantizer: {ptq: }\nweight_bits: {level: [[4]]}\n",
        3, "weight_bits.level", "[[4]] is not a list of at least one value",
    ),
    "empty list": (
        "architecture:\n  conv_net:\n    kernel: []\n",
        3, "architecture.conv_net.kernel", "[] is not a list of at least one value",
    ),
    "list that repeats": (
        "architecture:\n  conv_net:\n    kernel: [3, 3]\n",
        3, "architecture.conv_net.kernel", "choices [3, 3] repeat a value",
    ),
    "list that mixes types": (
        "architecture:\n  conv_net:\n    kernel: [3, five]\n",
        3, "architecture.conv_net.kernel", "choices [3, 'five'] mix types; use one type",
    ),
    "field without a value": (
        "architecture:\n  conv_net:\n    kernel:\n",
        3, "architecture.conv_net.kernel", "None is neither a value, a list of values, nor {min: …, max: …}",
    ),
    "date as a value": (
        "architecture:\n  conv_net:\n    kernel: 2026-01-02\n",
        3, "architecture.conv_net.kernel", "2026-01-02 is a date to some readers of YAML; quote it",
    ),
    "duplicate key": (
        HEAD + "training:\n  epochs: 3\n  epochs: 4\n",
        4, "training.epochs", "this key stands twice; keep one",
    ),
    "duplicate technique": (
        HEAD + "pruner:\n  level:\n  level:\n",
        4, "pruner.level", "this key stands twice; keep one",
    ),
    "missing architecture": (
        "pruner:\n  level:\n",
        1, "architecture", "this key is missing; add it",
    ),
    "empty architecture": (
        "description: none\narchitecture: {}\n",
        2, "architecture", "name at least one architecture, such as conv_net",
    ),
    "architecture of none": (
        "architecture:\n  conv_net:\n  none:\n",
        3, "architecture.none", "a trial needs an architecture; remove none",
    ),
    "fields under none": (
        HEAD + "pruner:\n  none: {recovery_epochs: 3}\n",
        3, "pruner.none", "leaving a stage out has no fields; remove them",
    ),
    "technique that is no mapping": (
        HEAD + "pruner:\n  level: 0.5\n",
        3, "pruner.level", "Input should be a valid dictionary (got 0.5)",
    ),
    "list of techniques with one twice": (
        HEAD + "pruner:\n  - level\n  - fpgm\n  - level\n",
        5, "pruner.2", "level stands twice; keep one",
    ),
    "misspelt technique in a list": (
        HEAD + "pruner:\n  - none\n  - l1_nrm\n",
        4, "pruner.l1_nrm", "unknown technique 'l1_nrm'; did you mean l1_norm",
    ),
    "section that is a number": (
        HEAD + "pruner: 3\n",
        2, "pruner", "3 names no technique; write `pruner: none`, a name, or a list of names",
    ),
    "section of nothing": (
        HEAD + "pruner:\n",
        2, "pruner", "nothing names no technique; write `pruner: none`, a name, or a list of names",
    ),
    "architecture of nothing": (
        "architecture:\n",
        1, "architecture", "nothing names no technique; write `architecture: conv_net`, or `architecture: [conv_net,",
    ),
    "section that is switched off": (
        HEAD + "pruner: false\n",
        2, "pruner", "false names no technique; write `pruner: none`",
    ),
    "technique that lacks a field": (
        "architecture: python\n",
        1, "architecture.python.target", "python needs this field; add it",
    ),
    "word that is true to some": (
        "architecture: {resnet: {width: yes}}\n",
        1, "architecture.resnet.width", "yes is true in one version of YAML and a word in the next; write true",
    ),
    "word that is false to some": (
        HEAD + "pruner: off\n",
        2, "pruner", "off is false in one version of YAML and a word in the next; write false, or quote the word",
    ),
    "key that is false to some": (
        HEAD + "pruner:\n  no:\n",
        3, "pruner.?", "no is false in one version of YAML",
    ),
    "number that is octal to some": (
        HEAD + "training: {epochs: 010}\n",
        2, "training.epochs", "010 is octal in one version of YAML and decimal in the next; write it",
    ),
    "number in other digits": (
        HEAD + "training: {epochs: 0x10}\n",
        2, "training.epochs", "0x10 is a number to some readers of YAML and a word to others; write it",
    ),
    "minutes to some": (
        HEAD + "training: {epochs: 1:30}\n",
        2, "training.epochs", "1:30 is a number of minutes to some readers of YAML; quote it",
    ),
    "number without end": (
        HEAD + "training: {learning_rate: 1e999}\n",
        2, "training.learning_rate", "'1e999' cannot be read: it is no finite number",
    ),
    "number that is none": (
        HEAD + "training: {learning_rate: .nan}\n",
        2, "training.learning_rate", "'.nan' cannot be read: it is no finite number",
    ),
    "key that is a list": (
        HEAD + "training:\n  ? [a, b]\n  : 1\n",
        3, "training.?", "a key is one word; write it as `key: value`",
    ),
    "training outside its range": (
        HEAD + "training: {epochs: 0}\n",
        2, "training.epochs", "Input should be greater than or equal to 1 (got 0)",
    ),
    "training that is empty": (
        HEAD + "training:\n",
        2, "training", "nothing is no mapping; write epochs, batch_size, learning_rate",
    ),
    "sparsity that is a number": (
        HEAD + "sparsity: 0.5\n",
        2, "sparsity", "0.5 is no mapping; write level, slope, offsets, per_layer below it",
    ),
    "unknown task": (
        HEAD + "task: regresion\n",
        2, "task", "unknown task 'regresion'; did you mean regression?",
    ),
    "bad objective": (
        HEAD + "objectives: [accuracy:max, speed]\n",
        2, "objectives", "objective 'speed' is not of the form METRIC:max or METRIC:min",
    ),
    "no objectives": (
        HEAD + "objectives: []\n",
        2, "objectives", "List should have at least 1 item",
    ),
    "teacher without a distiller": (
        HEAD + "distiller: {none: }\nteacher: largest\n",
        3, "teacher", "nobody learns from it; name a distiller, or remove the teacher",
    ),
    "misspelt teacher": (
        TAUGHT + "teacher: larges\n",
        3, "teacher", "'larges' is no teacher; write largest, or one architecture with its fields, or MODULE:CALLABLE",
    ),
    "teacher that is a number": (
        TAUGHT + "teacher: 3\n",
        3, "teacher", "3 is no teacher; write largest",
    ),
    "two teachers": (
        TAUGHT + "teacher: {conv_net: , resnet: }\n",
        3, "teacher", "is no teacher; write largest, or one architecture",
    ),
    "teacher of another stage": (
        TAUGHT + "teacher:\n  qat:\n",
        4, "teacher.qat", "technique 'qat' is of the stage quantizer, not architecture",
    ),
    "misspelt architecture of a teacher": (
        TAUGHT + "teacher:\n  conv_ner:\n",
        4, "teacher.conv_ner", "unknown technique 'conv_ner'; did you mean conv_net",
    ),
    "misspelt field of a teacher": (
        TAUGHT + "teacher:\n  conv_net:\n    dept: 4\n",
        5, "teacher.conv_net.dept", "conv_net has no such field; it has depth",
    ),
    "field of a teacher outside its range": (
        TAUGHT + "teacher:\n  conv_net: {depth: 9}\n",
        4, "teacher.conv_net.depth", "9 is refused: Input should be less than or equal to 4",
    ),
    "teacher with a choice": (
        TAUGHT + "teacher:\n  conv_net:\n    depth: [3, 4]\n",
        5, "teacher.conv_net.depth", "a teacher is one network; [3, 4] is not one value",
    ),
    "fields of a teacher that are none": (
        TAUGHT + "teacher:\n  conv_net: 4\n",
        4, "teacher.conv_net", "4 holds no fields; write them as `field: value`",
    ),
    "teacher that lacks a field": (
        TAUGHT + "teacher:\n  python:\n",
        4, "teacher.python", "target: Field required",
    ),
    "teacher that is no callable": (
        TAUGHT + "teacher: my/file.py:make\n",
        3, "teacher", "target: String should match pattern",
    ),
    "misspelt distiller": (
        HEAD + "distiller:\n  dynamic_layrwise:\n",
        3, "distiller.dynamic_layrwise", "unknown technique 'dynamic_layrwise'; did you mean dynamic_layerwise",
    ),
    "field of a distiller outside its range": (
        HEAD + "distiller:\n  dynamic_layerwise: {weight: 0}\n",
        3, "distiller.dynamic_layerwise.weight", "0 is refused: Input should be greater than 0",
    ),
    "distiller in a fit that there is not": (
        HEAD + "distiller:\n  dynamic_layerwise: {fits: some}\n",
        3, "distiller.dynamic_layerwise.fits", "'some' is refused: Input should be 'all', 'train' or 'compress'",
    ),
}  # fmt: skip
NOT_YAML = {
    "unclosed bracket": (HEAD + "objectives: [accuracy:max\n", "did not find expected ',' or ']'|expected ',' or ']'"),
    "colon in a value": (HEAD + "description: a: b\n", "mapping values are not allowed here"),
    "tab": (HEAD + "\tpruner:\n", r"found character '\\t' that cannot start any token"),
    "two documents": (HEAD + "---\nb: 1\n", "found another document"),
    "control character": (HEAD + "description: \x00\n", "special characters are not allowed"),
    "unknown tag": (HEAD + "description: !python/name x\n", "it has the tag !python/name; remove the tag"),
    "python object": (HEAD + "description: !!python/object:os.system x\n", "remove the tag"),
    "impossible date": (HEAD + "description: 2026-13-45\n", "is a date to some readers of YAML; quote it"),
    "value that holds itself": (HEAD + "pruner: &loop {level: *loop}\n", "holds itself"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_answered_with_file_line_and_key(mistake, tmp_path):
    text, line, key, message = MISTAKES[mistake]
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpaceError) as caught:
        load_space(str(file))
    start, found = f"{file}, line {line}: {key}: ", str(caught.value)
    assert found.startswith(start)
    assert message in found.removeprefix(start)
    assert "\n" not in found


@pytest.mark.parametrize("mistake", NOT_YAML)
def test_text_that_is_not_yaml_is_refused_with_its_line(mistake, tmp_path):
    text, message = NOT_YAML[mistake]
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpaceError, match=rf"mine\.yaml, line [23]: .*({message})") as caught:
        load_space(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- conv_net\n", "conv_net\n", "# only words\n"])
def test_document_that_is_no_mapping_is_refused(text, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpaceError, match=re.escape(f"{file}, line 1: a space file is a mapping of sections")):
        load_space(str(file))


LAUGHS = HEAD + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
LAUGHS += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 11))
TOO_MUCH = {
    "aliases of aliases": (LAUGHS, "these are over 10,000 values; remove anchors and aliases"),
    "deep in brackets": (HEAD + "pruner: " + "[" * 1000 + "]" * 1000 + "\n", "nested too deeply"),
    "deep in braces": (HEAD + "pruner: " + "{a: " * 1000 + "1" + "}" * 1000 + "\n", "nested too deeply"),
    "deep by indentation": (HEAD + "".join(" " * i + "a:\n" for i in range(500)), "nested too deeply"),
    "deep by dashes": (HEAD + "pruner:\n" + "- " * 1000 + "a\n", "nested too deeply"),
    "long list": (HEAD + "pruner: [" + "a, " * 40_000 + "]\n", "holds over 10,000 values"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_file_that_unfolds_without_end_is_refused_at_once(case, tmp_path):
    text, message = TOO_MUCH[case]
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    started = time.process_time()
    with pytest.raises(SpaceError, match=re.escape(message)) as caught:
        load_space(str(file))
    assert time.process_time() - started < 5.0  # a second on an idle machine; for ever without the limits
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused_with_the_reason(tmp_path):
    def refused(name):
        with pytest.raises(SpaceError) as caught:
            load_space(str(tmp_path / name))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    (tmp_path / "utf16.yaml").write_text(HEAD, encoding="utf-16")
    assert "is not text in UTF-8 (byte 0 is 0xff); save it as UTF-8" in refused("utf16.yaml")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    assert "is not text in UTF-8" in refused("binary.yaml")
    (tmp_path / "folder.yaml").mkdir()
    assert "is no file but a folder or a device; name a file" in refused("folder.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "is no file but a folder or a device; name a file" in refused("pipe.yaml")
    with (tmp_path / "large.yaml").open("wb") as large:
        large.truncate(100_000_000)
    assert "has 100,000,000 bytes, and a space is a few kilobytes" in refused("large.yaml")
    assert "missing.yaml cannot be read: No such file or directory" in refused("missing.yaml")


@pytest.mark.skipif("os.geteuid() == 0", reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text(HEAD)
    (tmp_path / "mine.yaml").chmod(0)
    with pytest.raises(SpaceError, match="Permission denied"):
        load_space(str(tmp_path / "mine.yaml"))
