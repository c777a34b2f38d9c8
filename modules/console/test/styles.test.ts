// Licensed under the Apache License, Version 2.0; see LICENSE.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** The classes a stylesheet shapes wherever they stand: '.pane { }', not '.webhooks .pane { }' nor 'form.pane { }'. */
function bare(css: string): Set<string> {
    const rules = css.replace(/\/\*[^]*?\*\//g, '').replace(/@media[^{]*\{/g, '');
    const selectors = [...rules.matchAll(/([^{}]+)\{/g)].flatMap(([, list]) => list.split(','));
    return new Set(selectors.map((one) => /^\s*\.([\w-]+)(?::[\w-]+)*\s*$/.exec(one)?.[1]).filter((one) => one !== undefined));
}

test('all styles are one file, so no two screens shape one class', () => {
    const owners = new Map<string, string[]>();
    for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.css') && one !== 'pdf/pdf.css')) {
        for (const name of bare(readFileSync(`src/${file}`, 'utf8'))) owners.set(name, [...owners.get(name) ?? [], file]);
    }
    assert.ok(owners.size > 50);
    assert.deepEqual([...owners].filter(([, files]) => files.length > 1), []);
});
