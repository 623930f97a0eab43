/**
 * What executions keep of earlier tokens, for generation, and what they read of earlier executions.
 * As in the graph, a slot belongs to an execution and not to its weights.
 */
export const statePy = `class State:
    """What one execution keeps of the tokens before position \`start\`: tuples of tensors [b, start, n] by number."""

    def __init__(self, start=0, kept=None, reads=False):
        self.start, self.kept, self.reads = start, kept, reads

    def extend(self, number, *new):
        """The kept tensors with new ones [b, t, n] behind them, which are kept too; an execution that reads another's only returns them."""
        if self.kept is None:
            return new
        if not self.reads:
            before = self.kept[number] if self.start else None
            self.kept[number] = tuple(torch.cat(pair, 1) for pair in zip(before, new)) if before else new
        return self.kept[number]


class Cache:
    """The states of all executions by slot, for the \`length\` tokens so far."""

    def __init__(self, keeps=True):
        self.length, self.keeps, self.slots = 0, keeps, {}

    def state(self, slot, reads=False):
        return State(self.length, self.slots.setdefault(slot, {}) if self.keeps else None, reads)

    def reorder_cache(self, sequences):
        """Makes sequence i a copy of sequences[i], for a beam search."""
        for kept in self.slots.values():
            for number, tensors in kept.items():
                kept[number] = tuple(tensor.index_select(0, sequences) for tensor in tensors)`;
