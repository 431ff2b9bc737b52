"""The platforms whose promises can be chosen."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """A platform whose promises can be chosen; the first one is the default."""

    MCP_SECURITY_PLATFORM = "mcp-security-platform"
    STELLAR_LOGIC = "stellar-logic"
    ULTIMATE_MCP = "ultimate-mcp"
    DEVELOPER_MESH = "developer-mesh"
    MCP_V2 = "mcp-v2"
