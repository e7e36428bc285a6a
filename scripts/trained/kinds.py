"""The problems whose networks are all trained, by name."""

import chain
import transformer

KINDS = {kind.name: kind for kind in (chain.KIND, transformer.KIND)}
