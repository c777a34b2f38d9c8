// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which rows are chosen, as a file manager does it.

export interface Selection {
    chosen: ReadonlySet<string>;
    /** Where a range begins. */
    anchor: string | null;
}

export const nothing: Selection = { chosen: new Set(), anchor: null };

export function toggle(old: Selection, id: string): Selection {
    const chosen = new Set(old.chosen);
    if (!chosen.delete(id)) chosen.add(id);
    return { chosen, anchor: id };
}

/** From the anchor to this one, with what was chosen before. */
export function range(old: Selection, id: string, order: string[]): Selection {
    const from = old.anchor === null ? -1 : order.indexOf(old.anchor);
    const to = order.indexOf(id);
    if (from < 0 || to < 0) return toggle({ ...old, chosen: new Set([...old.chosen].filter((one) => one !== id)) }, id);
    return { chosen: new Set([...old.chosen, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]), anchor: old.anchor };
}

export function all(order: string[]): Selection {
    return { chosen: new Set(order), anchor: order[0] ?? null };
}

/** Without those that are gone. */
export function among(old: Selection, order: string[]): Selection {
    const there = new Set(order);
    const chosen = new Set([...old.chosen].filter((id) => there.has(id)));
    return chosen.size === old.chosen.size ? old : { chosen, anchor: old.anchor && there.has(old.anchor) ? old.anchor : null };
}
