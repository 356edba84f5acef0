"""What can be done with the directory; each function loads, decides, saves, tells and audits in one transaction."""

from services.directory.usecases.accepting import set_service_accepting
from services.directory.usecases.history import BASELINES, tell_again
from services.directory.usecases.importing import import_demo, import_file, import_organisations
from services.directory.usecases.importing_hsds import import_hsds
from services.directory.usecases.indexing import grow_old, keep_group, keep_response
from services.directory.usecases.reading import codes, network, organisation, organisations
from services.directory.usecases.recipients import recipient as RECIPIENT  # noqa: N812 - what the sender asks for
from services.directory.usecases.recording import catch_up
from services.directory.usecases.searching import service, services
from services.directory.usecases.tables import import_tables

__all__ = [
    "BASELINES",
    "RECIPIENT",
    "catch_up",
    "codes",
    "grow_old",
    "import_demo",
    "import_file",
    "import_hsds",
    "import_organisations",
    "import_tables",
    "keep_group",
    "keep_response",
    "network",
    "organisation",
    "organisations",
    "service",
    "services",
    "set_service_accepting",
    "tell_again",
]
