"""What a chosen file opens, and what is here."""

import pytest

from toydiff_gui.state.model_refs import is_here, reference_of


@pytest.mark.parametrize(
    ("file", "ref"),
    [
        ("/x/v.safetensors", "/x/v.safetensors"),
        ("/x/pipe/model_index.json", "/x/pipe"),
        ("/x/net.py", "python:/x/net.py"),
    ],
)
def test_a_file_opens_what_it_belongs_to(file, ref):
    assert reference_of(file) == ref


def test_what_is_here(tmp_path):
    file = tmp_path / "own ä.py"
    assert not is_here(str(file))
    file.write_text("")
    assert is_here(str(file))
    assert is_here(f"python:{file}")
    assert is_here(f"python:{file}:make_it")
    assert not is_here(f"python:{file}:no function")
    assert not is_here(f"{file}:make_it")  # only a network of one's own has a function
    assert not is_here(str(tmp_path))
    (tmp_path / "model_index.json").write_text("{}")
    assert is_here(str(tmp_path))
    assert not is_here("a name\0that cannot be")
