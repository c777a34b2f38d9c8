// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Bundles src/ into dist/, which httpd serves as it is:
//
//   dist/index.html             no-cache; names the entry's hashed files
//   dist/pdf.html               the sandboxed page that shows a PDF
//   dist/assets/NAME-HASH.*     immutable, each with a .gz beside it
//   dist/assets/pdf.worker-HASH.js   pdf.js's worker, the only script that may use WASM
//
// node build.mjs [--watch | --test]

import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
process.chdir(here);

const common = {
    bundle: true,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
};

if (process.argv.includes('--test')) {
    await rm('dist-test', { recursive: true, force: true });
    const tests = (await readdir('test')).filter((name) => /\.test\.tsx?$/.test(name));
    await build({
        ...common,
        entryPoints: tests.map((name) => `test/${name}`),
        outdir: 'dist-test',
        outExtension: { '.js': '.mjs' },
        platform: 'node',
        sourcemap: 'inline',
    });
} else {
    await bundle();
}

async function bundle() {
    const watching = process.argv.includes('--watch');
    const out = watching ? 'dist' : 'dist.new';
    await rm(out, { recursive: true, force: true });
    await mkdir(`${out}/assets`, { recursive: true });

    const worker = await hashed(out, await pdfWorker(), 'pdf.worker', 'js');
    // pdf.js fetches these by name, below one folder that carries the release's hash.
    const data = `assets/pdf-${worker.hash}`;
    for (const folder of ['cmaps', 'standard_fonts', 'wasm', 'iccs']) {
        await cp(`node_modules/pdfjs-dist/${folder}`, `${out}/${data}/${folder}`, { recursive: true });
    }

    const icon = await hashed(out, await readFile('src/icon.svg'), 'icon', 'svg');

    const options = {
        ...common,
        entryPoints: { main: 'src/main.tsx', pdf: 'src/pdf/frame.ts', words: 'src/review/words.worker.ts' },
        outdir: `${out}/assets`,
        entryNames: '[name]-[hash]',
        chunkNames: '[name]-[hash]',
        assetNames: '[name]-[hash]',
        splitting: true,
        minify: !watching,
        sourcemap: watching,
        metafile: true,
        define: {
            PDF_WORKER: JSON.stringify(worker.file),
            PDF_DATA: JSON.stringify(data),
        },
        plugins: [{
            name: 'pages',
            setup: (setup) => setup.onEnd(async (result) => {
                if (result.errors.length === 0) await pages(out, result.metafile, icon.file, worker.file);
            }),
        }],
    };
    if (watching) {
        await (await context(options)).watch();
        return;
    }
    const result = await build(options);
    await compress(out);
    await rm('dist', { recursive: true, force: true });
    await rename(out, 'dist');
    await report(result.metafile);
}

// A page without an origin can start workers from blob: alone, and of those only ordinary scripts, no modules.
async function pdfWorker() {
    const { outputFiles: [file] } = await build({
        ...common,
        entryPoints: ['node_modules/pdfjs-dist/build/pdf.worker.min.mjs'],
        format: 'iife',
        minify: true,
        write: false,
        // Only for finding files beside itself, and these are named to it by address.
        define: { 'import.meta.url': 'location.href' },
    });
    return file.contents;
}

// hashed(OUT, BYTES, NAME, EXTENSION): writes BYTES under a name that changes with them
async function hashed(out, bytes, name, extension) {
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase();
    const target = `assets/${name}-${hash}.${extension}`;
    await writeFile(`${out}/${target}`, bytes);
    return { file: target, hash };
}

// The pages name the files that belong to their entry: scripts, what these import, and styles.
async function pages(out, metafile, icon, pdfWorkerFile) {
    const outputs = Object.entries(metafile.outputs);
    const named = (source) => outputs.find(([, output]) => output.entryPoint === source);
    const base = (path) => path.slice(out.length + 1);
    // What the first screen consists of, so that it is loaded at once and not file by file.
    const withImports = (path, seen = new Set()) => {
        if (seen.has(path)) return seen;
        seen.add(path);
        for (const one of metafile.outputs[path].imports) if (one.kind === 'import-statement') withImports(one.path, seen);
        return seen;
    };
    const first = withImports(named('src/main.tsx')[0]);
    const screens = outputs.flatMap(([path, { entryPoint }]) => {
        const name = entryPoint?.match(/^src\/screens\/(\w+)\.tsx$/)?.[1];
        return name ? [{ name, files: [...withImports(path)].filter((one) => !first.has(one)) }] : [];
    });
    const words = base(named('src/review/words.worker.ts')[0]);
    for (const [page, source] of [['index', 'src/main.tsx'], ['pdf', 'src/pdf/frame.ts']]) {
        const [script, output] = named(source);
        const imports = output.imports.filter((one) => one.kind === 'import-statement').map((one) => base(one.path));
        const html = (await readFile(`src/${page}.html`, 'utf8'))
            .replace('%STYLE%', output.cssBundle ? `<link rel="stylesheet" href="/console/${base(output.cssBundle)}">` : '')
            .replace('%AHEAD%', screens.map((one) => `<meta name="tuor-ahead-${one.name}" content="${one.files.map(base).join(' ')}">`).join('\n'))
            .replace('%PRELOAD%', imports.map((one) => `<link rel="modulepreload" href="/console/${one}">`).join('\n'))
            .replace('%SCRIPT%', `<script type="module" src="/console/${base(script)}"></script>`)
            .replace('%ICON%', icon)
            .replace('%PDF_WORKER%', pdfWorkerFile)
            .replace('%WORDS%', words);
        await writeFile(`${out}/${page}.html`, html);
    }
}

// Every file that shrinks gets its .gz, so that httpd never compresses one itself.
async function compress(out) {
    const files = await readdir(out, { recursive: true, withFileTypes: true });
    for (const file of files) {
        if (!file.isFile() || !/\.(html|js|mjs|css|svg|json|wasm|bcmap)$/.test(file.name)) continue;
        const path = join(file.parentPath ?? file.path, file.name);
        const bytes = await readFile(path);
        const small = gzipSync(bytes, { level: 9 });
        if (small.length < bytes.length * 0.9) await writeFile(`${path}.gz`, small);
    }
}

// What a first visit loads, as the budget of the console counts it.
async function report(metafile) {
    const seen = new Set();
    let script = 0;
    const add = async (path) => {
        if (seen.has(path)) return;
        seen.add(path);
        script += gzipSync(await readFile(path.replace('dist.new', 'dist')), { level: 9 }).length;
        for (const one of metafile.outputs[path].imports) {
            if (one.kind === 'import-statement') await add(one.path);
        }
    };
    const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === 'src/main.tsx');
    await add(entry[0]);
    const style = entry[1].cssBundle
        ? gzipSync(await readFile(entry[1].cssBundle.replace('dist.new', 'dist')), { level: 9 }).length : 0;
    const kb = (bytes) => (bytes / 1024).toFixed(1);
    console.log(`first load: ${kb(script)} KB of script, ${kb(style)} KB of styles (gzip)`);
    if (script > 40 * 1024) throw new Error(`first load: ${kb(script)} KB of script are more than 40`);
}
