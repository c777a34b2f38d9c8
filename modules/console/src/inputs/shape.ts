// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which members of a model_input are shown as what. Whatever was sent has to be
// shown somehow: what does not fit its project's type is shown as a tree.

import type { InputType } from '../api.ts';
import { member, textOf, type Json, type JsonObject, type Member } from '../json.ts';

export interface Message { role: string; name?: string; content: Json | undefined; rest: Member[] }

/** Why the main part is missing: the key that it should stand in. */
export type Misfit = { key: string; reason: 'missing' | 'notText' } | { key: ''; reason: 'notObject' };

export interface Shape {
    system?: string;
    /** text: the content; messages; pdf and image: base64 */
    main?: string;
    messages?: Message[];
    filename?: string;
    mediaType?: string;
    misfit?: Misfit;
    /** What stands nowhere else; null if nothing is left. */
    others: Json | null;
}

const MAIN = { text: 'content', pdf: 'pdf_base64', image: 'image_base64' } as const;

export function shapeOf(type: InputType, input: Json): Shape {
    if (input.kind !== 'object') return { others: input, misfit: { key: '', reason: 'notObject' } };
    const used = new Set<string>();
    const text = (key: string) => {
        const value = textOf(member(input, key));
        if (value !== undefined) used.add(key);
        return value;
    };
    const shape: Shape = { others: null };
    const key = MAIN[type];
    shape.main = text(key);
    shape.system = text('system_prompt');
    if (type === 'text') {
        shape.messages = messagesOf(member(input, 'messages'));
        if (shape.messages) used.add('messages');
    } else {
        shape.filename = text('filename');
        if (type === 'image') shape.mediaType = text('media_type');
    }
    if (!shape.main && !shape.messages) {
        const there = member(input, key);
        if (!(type === 'text' && there)) shape.misfit = { key, reason: there && there.kind !== 'string' ? 'notText' : 'missing' };
        // Shown whole, then: a picture that lies under another name, say.
        if (shape.misfit) return { ...shape, main: undefined, system: undefined, others: input };
    }
    shape.others = without(input, used);
    return shape;
}

// Of two equal members the last is shown in its place, and the first stays among the others.
function without(input: JsonObject, used: Set<string>): Json | null {
    const members = input.members.filter((one, at) => !used.has(one.key) || input.members.findLastIndex((other) => other.key === one.key) !== at);
    return members.length ? { kind: 'object', members } : null;
}

/** A chat as the usual interfaces have it: objects with a role; undefined if it is none. */
export function messagesOf(value: Json | undefined): Message[] | undefined {
    if (value?.kind !== 'array' || value.items.length === 0) return undefined;
    const messages: Message[] = [];
    for (const item of value.items) {
        const role = textOf(member(item, 'role'));
        if (item.kind !== 'object' || role === undefined) return undefined;
        const name = textOf(member(item, 'name'));
        messages.push({ role, name, content: member(item, 'content'),
            rest: item.members.filter((one) => !['role', 'content'].includes(one.key) && !(one.key === 'name' && name !== undefined)) });
    }
    return messages;
}

/** The text of a message's part: {type: 'text', text: '…'} */
export function partText(part: Json): string | undefined {
    if (part.kind === 'string') return textOf(part);
    return /^(input_|output_)?text$/.test(textOf(member(part, 'type')) ?? '') ? textOf(member(part, 'text')) : undefined;
}
