"""No module imports itself by way of others; the walls between packages are import-linter's."""

from graphlib import TopologicalSorter

import grimp


def test_imports_form_no_cycle():
    graph = grimp.build_graph("automl", "automl_plugins")
    assert len(graph.modules) > 300
    TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()
