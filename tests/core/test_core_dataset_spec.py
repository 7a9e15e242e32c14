"""One text names a data set and what is done to its images; equal specs are equal texts."""

import pytest

from automl.core.dataset_spec import DatasetSpec
from automl.errors import DatasetError


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("digits", "digits"),
        ("imagefolder:data/a b", "imagefolder:data/a b"),
        ("python:my.module:function", "python:my.module:function"),
        ("imagefolder:d?resize=64", "imagefolder:d?resize=64x64"),
        ("imagefolder:d?resize=64X48", "imagefolder:d?resize=64x48"),
        ("imagefolder:d?convert=gray&resize=8", "imagefolder:d?resize=8x8&convert=grey"),
        ("imagefolder:d?input=unit&resize=8", "imagefolder:d?resize=8x8&input=unit"),
        ("imagefolder:d?background=WHITE", "imagefolder:d?background=white"),
        ("imagefolder:d?background=#FFF", "imagefolder:d?background=white"),
        ("imagefolder:d?background=gray", "imagefolder:d?background=grey"),
        ("imagefolder:d?background=#0a0B0c", "imagefolder:d?background=#0a0b0c"),
    ],
)
def test_a_spec_is_written_in_one_way(text, written):
    spec = DatasetSpec.parse(text)
    assert str(spec) == written
    assert DatasetSpec.parse(written) == spec


def test_width_comes_before_height_and_red_before_blue():
    spec = DatasetSpec.parse("imagefolder:d?resize=64x48&background=#010203")
    assert spec.resize == (64, 48)
    assert spec.background_rgb == (1, 2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("resiz=4", "no option 'resiz': did you mean resize"),
        ("zoom=4", "no option 'zoom': there are resize, convert, background, input"),
        ("input=imagenet", "input=imagenet is not understood: write standardized, unit, pixels"),
        ("resize", "'resize' in .* is no option: write OPTION=VALUE"),
        ("", "is no option"),
        ("resize=0", "resize=0 is not understood: write WIDTHxHEIGHT"),
        ("resize=5000", "resize=5000 is not understood"),
        ("resize=8x", "resize=8x is not understood"),
        ("resize=-8", "resize=-8 is not understood"),
        ("resize=8&resize=9", "'resize' stands twice"),
        ("convert=blue", "convert=blue is not understood: write grey or rgb"),
        ("background=red", "background=red is not understood: write white, black, grey or '#rrggbb'"),
        ("background=#12345", "background=#12345 is not understood"),
    ],
)
def test_an_option_that_is_not_understood_is_named_with_what_to_write(options, message):
    with pytest.raises(DatasetError, match=message):
        DatasetSpec.parse(f"imagefolder:d?{options}")
