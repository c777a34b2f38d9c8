// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A PDF, shown by a frame of its own (src/pdf), which is made for the first PDF.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { Copy, Glyph } from '../ui/index.tsx';
import { decodeBase64 } from './bytes.ts';
import { PdfFrame, type Found, type PdfState } from './pdf-frame.ts';
import { downloadMain, type Ready } from './ready.ts';

let frame: PdfFrame | null = null;

// A frame that is taken out of the page starts anew where it is put in; moved with moveBefore it lives on. So it
// waits at the end of the page, unseen, while the screen shows something else for a moment.
type Mover = { moveBefore?: (node: Node, before: Node | null) => void };
const PATIENCE = 60_000;
let parked = 0;

function park(): void {
    const move = (document.body as Mover).moveBefore;
    if (!frame || frame.stuck || !move || !frame.element.isConnected) {
        drop();
        return;
    }
    frame.hide();
    frame.element.hidden = true;
    move.call(document.body, frame.element, null);
    parked = window.setTimeout(drop, PATIENCE);
}
function drop(): void {
    frame?.destroy();
    frame = null;
}
function fetchBack(host: HTMLElement): void {
    clearTimeout(parked);
    if (!frame || frame.element.parentNode === host) return;
    if (frame.element.isConnected) (host as Mover).moveBefore!(frame.element, null);
    else host.append(frame.element);
    frame.element.hidden = false;
}

// The bytes can be handed over once; afterwards they are made anew.
function bytesOf(ready: Ready): Uint8Array<ArrayBuffer> | null {
    const bytes = ready.bytes ?? (ready.shape.main === undefined ? null : decodeBase64(ready.shape.main));
    ready.bytes = undefined;
    return bytes;
}

/** Starts the frame before the first document is there; it moves to its pane, where the browser can. */
export function warmFrame(): void {
    if (frame || !(document.body as Mover).moveBefore) return;
    frame = new PdfFrame();
    frame.element.hidden = true;
    document.body.append(frame.element);
    parked = window.setTimeout(drop, PATIENCE);
}

/** Hands a PDF to the frame that is there, which draws its first page behind the scenes. */
export function warmPdf(ready: Ready, key: string): void {
    if (frame && !frame.stuck && !frame.has(key)) frame.open(key, ready.name, bytesOf(ready));
}

export function findInPdf(text: string, patterns: string[]): Promise<Found> {
    return frame ? frame.find(text, patterns) : Promise.resolve({ count: 0, at: -1 });
}

/** off: this trace has no PDF; the pane stays, unseen, and its frame waits for the next one. */
export function PdfPane({ ready, traceId, off }: { ready: Ready; traceId: string; off: boolean }) {
    const host = useRef<HTMLDivElement>(null);
    const [state, setState] = useState<{ key: string; state: PdfState }>({ key: traceId, state: 'opening' });
    const [link, setLink] = useState<string | null>(null);
    const [round, setRound] = useState(0);
    const before = useRef<HTMLElement | null>(null);
    const shown = useRef({ ready, traceId });
    shown.current = { ready, traceId };

    useEffect(() => {
        const remember = (event: FocusEvent) => { if (event.target !== frame?.element) before.current = event.target as HTMLElement; };
        document.addEventListener('focusin', remember);
        return () => {
            document.removeEventListener('focusin', remember);
        };
    }, []);
    useLayoutEffect(() => park, []);

    useLayoutEffect(() => {
        // One that hangs is left behind with what it hangs on.
        if (frame?.stuck) drop();
        frame ??= new PdfFrame();
        frame.onState = (key, now) => setState((old) => key === shown.current.traceId ? { key, state: now } : old);
        frame.onLink = setLink;
        frame.onDownload = () => downloadMain(shown.current.ready);
        frame.onEscape = () => {
            const back = before.current?.isConnected && before.current !== document.body ? before.current : host.current!.closest<HTMLElement>('[tabindex]');
            frame?.element.blur();
            back?.focus();
        };
        fetchBack(host.current!);
        setLink(null);
        if (off) {
            frame.hide();
            return;
        }
        if (!frame.has(traceId)) frame.open(traceId, ready.name, bytesOf(ready));
        frame.show(traceId, ready.name);
        setState({ key: traceId, state: frame.state(traceId) });
    }, [traceId, ready, round, off]);

    const now = state.key === traceId ? state.state : 'opening';
    const failed = now === 'password' || now === 'broken' || now === 'slow';
    return (
        <div class="viewer pdf" data-state={now} hidden={off}>
            {failed && (
                <div class="note wrong" role="status">
                    <Glyph name={now === 'password' ? 'lock' : 'warn'} />
                    <span class="grow">{t(now === 'password' ? 'input.pdfPassword' : now === 'slow' ? 'input.pdfSlow' : 'input.pdfBroken')}</span>
                    {now === 'slow' && <button type="button" onClick={() => setRound(round + 1)}>{t('common.tryAgain')}</button>}
                    <button type="button" onClick={() => downloadMain(ready)}>{t('input.download')}</button>
                </div>
            )}
            {link && <LinkNote url={link} onClose={() => setLink(null)} />}
            <div class="host" ref={host} hidden={now === 'password' || now === 'broken'} />
        </div>
    );
}

// A link in a stranger's document: its whole address is shown before anybody goes there.
function LinkNote({ url, onClose }: { url: string; onClose: () => void }) {
    let target: URL | null = null;
    try {
        target = new URL(url);
    } catch { /* shown as text alone */ }
    const safe = target !== null && ['https:', 'http:', 'mailto:'].includes(target.protocol);
    return (
        <div class="note" role="status">
            <span class="grow">{t('input.pdfLink')} <code class="address">{url.slice(0, 2000)}</code></span>
            <Copy text={url} what={url} />
            {safe && <a class="button" href={target!.href} target="_blank" rel="noopener noreferrer">{t('input.openLink')}</a>}
            <button type="button" class="plain icon" aria-label={t('common.close')} onClick={onClose}><Glyph name="rejected" /></button>
        </div>
    );
}
