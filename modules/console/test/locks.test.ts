// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../src/api.ts';
import { declaredIn } from '../src/settings/parts.tsx';

test('a refusal names what httpd.conf declares, and nothing else does', () => {
    const said = (members: string) => `The server's configuration declares ${members} of this project: change them there`;
    assert.deepEqual(declaredIn(new ApiError(409, said('name, output_type'))), ['name', 'output_type']);
    assert.deepEqual(declaredIn(new ApiError(409, said('webhook_secret_next'))), ['webhook_secret_next'], 'not webhook_secret');
    assert.deepEqual(declaredIn(new ApiError(422, 'name is too long')), []);
});
