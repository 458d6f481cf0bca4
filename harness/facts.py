"""What a run file says of a connection, as the facts that decide which rows apply."""

from datetime import date

from harness.checklist import ConnectionFacts
from harness.run import ConnectionInfo


def facts_of(info: ConnectionInfo) -> ConnectionFacts:
    """Return the facts of one connection of a run."""
    return ConnectionFacts(
        name=info.name,
        system=info.system,
        environment=info.environment,
        kind=info.kind,
        digipoort_role=info.digipoort_role,
        network=info.network,
        channels=frozenset(info.channels),
        registries=info.registries,
        providers=info.providers,
        profiles=frozenset(info.profiles),
        reuse_adapter=info.reuse_adapter,
        supplier_connection=info.supplier_connection,
        digid_assessment=info.digid_assessment,
        chain_test=info.chain_test,
        activated=date.fromisoformat(info.activated) if info.activated else None,
    )
