// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// JSON that comes back as it came. JSON.parse turns 0.10 into 0.1, 1e400 into
// Infinity, and drops the first of two equal members; a reviewer who corrects one
// field must not change the others. So payloads are kept as trees whose scalars
// hold the characters that were sent.

export type Json = JsonScalar | JsonArray | JsonObject;
/** raw: the token as it stands in the text; for a string with its quotes. */
export interface JsonScalar { kind: 'string' | 'number' | 'boolean' | 'null'; raw: string }
export interface JsonArray { kind: 'array'; items: Json[] }
/** Members in the order sent; a key may come twice. key is decoded, raw its token. */
export interface JsonObject { kind: 'object'; members: Member[] }
export interface Member { key: string; raw: string; value: Json }

export class JsonError extends Error {
    constructor(message: string, readonly at: number) { super(message); }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
// A run of what a string may hold as it is, in one step: payloads hold megabytes of base64.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Walks a text; skip… methods leave the position behind what they passed. */
class Scanner {
    at = 0;
    constructor(readonly text: string) {}

    match(pattern: RegExp): boolean {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text);
        if (!found) return false;
        this.at += found[0].length;
        return true;
    }
    space(): void { this.match(SPACE); }
    peek(): string { return this.text[this.at] ?? ''; }
    take(character: string): boolean {
        if (this.peek() !== character) return false;
        this.at++;
        return true;
    }
    fail(expected: string): never {
        throw new JsonError(expected, this.at);
    }
    string(): string {
        const start = this.at;
        if (!this.take('"')) this.fail('a string in double quotes');
        for (;;) {
            this.match(PLAIN);
            if (this.take('"')) return this.text.slice(start, this.at);
            if (!this.match(ESCAPE)) this.fail(this.at >= this.text.length ? 'a closing "' : 'no control character and no unknown escape');
        }
    }
    scalar(): JsonScalar {
        const first = this.peek();
        const start = this.at;
        if (first === '"') return { kind: 'string', raw: this.string() };
        if (first === '-' || (first >= '0' && first <= '9')) {
            if (!this.match(NUMBER)) this.fail('a number');
            return { kind: 'number', raw: this.text.slice(start, this.at) };
        }
        for (const word of ['true', 'false', 'null']) {
            if (this.text.startsWith(word, this.at)) {
                this.at += word.length;
                return { kind: word === 'null' ? 'null' : 'boolean', raw: word };
            }
        }
        return this.fail('a value');
    }
    value(depth: number): Json {
        if (depth > 200) this.fail('fewer levels');
        this.space();
        if (this.take('{')) {
            const members: Member[] = [];
            this.space();
            if (!this.take('}')) {
                do {
                    this.space();
                    const raw = this.string();
                    this.space();
                    if (!this.take(':')) this.fail('a colon');
                    members.push({ key: JSON.parse(raw) as string, raw, value: this.value(depth + 1) });
                    this.space();
                } while (this.take(','));
                if (!this.take('}')) this.fail('a comma or }');
            }
            return { kind: 'object', members };
        }
        if (this.take('[')) {
            const items: Json[] = [];
            this.space();
            if (!this.take(']')) {
                do {
                    items.push(this.value(depth + 1));
                    this.space();
                } while (this.take(','));
                if (!this.take(']')) this.fail('a comma or ]');
            }
            return { kind: 'array', items };
        }
        return this.scalar();
    }
}

/** Throws JsonError with the position of the first character that is wrong. */
export function parseJson(text: string): Json {
    const scanner = new Scanner(text);
    const value = scanner.value(0);
    scanner.space();
    if (scanner.at < text.length) scanner.fail('nothing more');
    return value;
}

/** Without spaces if indent is 0; scalars keep their characters. */
export function printJson(value: Json, indent = 0, level = 0): string {
    const gap = indent ? '\n' + ' '.repeat(indent * (level + 1)) : '';
    const end = indent ? '\n' + ' '.repeat(indent * level) : '';
    switch (value.kind) {
    case 'object':
        if (value.members.length === 0) return '{}';
        return '{' + value.members.map((member) => `${gap}${member.raw}:${indent ? ' ' : ''}${printJson(member.value, indent, level + 1)}`).join(',') + end + '}';
    case 'array':
        if (value.items.length === 0) return '[]';
        return '[' + value.items.map((item) => gap + printJson(item, indent, level + 1)).join(',') + end + ']';
    default:
        return value.raw;
    }
}

/** The last member of that name: of two, the last counts. */
export function member(value: Json | null | undefined, key: string): Json | undefined {
    return value?.kind === 'object' ? value.members.findLast((one) => one.key === key)?.value : undefined;
}

/** A string's decoded text; undefined for anything else. */
export function textOf(value: Json | null | undefined): string | undefined {
    return value?.kind === 'string' ? JSON.parse(value.raw) as string : undefined;
}

/** What a person reads in a cell: a string without quotes, else compact JSON. */
export function shown(value: Json): string {
    return textOf(value) ?? printJson(value);
}

export function stringNode(text: string): JsonScalar {
    return { kind: 'string', raw: JSON.stringify(text) };
}

/** Same characters, strings compared decoded: as correction_diff of the API compares. */
export function sameJson(a: Json, b: Json): boolean {
    if (a.kind !== b.kind) return false;
    if (a.kind === 'object' && b.kind === 'object') {
        return a.members.length === b.members.length
            && a.members.every((one, at) => one.key === b.members[at].key && sameJson(one.value, b.members[at].value));
    }
    if (a.kind === 'array' && b.kind === 'array') {
        return a.items.length === b.items.length && a.items.every((one, at) => sameJson(one, b.items[at]));
    }
    return (a as JsonScalar).raw === (b as JsonScalar).raw || (a.kind === 'string' && textOf(a) === textOf(b));
}

/** A tree as ordinary values, for what we only read (numbers lose their spelling). */
export function plain(value: Json): unknown {
    return JSON.parse(printJson(value));
}
