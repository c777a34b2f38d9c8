import { test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { server } from './lib.mjs';
import { receiver } from './receiver.mjs';
import { scene } from './data/scene.mjs';
const hooks = await receiver();
const tuor = await server({ include: hooks.conf });
test('hold', async () => { const s = await scene(tuor, hooks); await writeFile('/tmp/j-dir.json', JSON.stringify({ dir: tuor.dir, ...s })); await new Promise((r) => process.once('SIGUSR2', r)); });
