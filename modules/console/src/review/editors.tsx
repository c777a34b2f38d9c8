// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The right pane: the output, in the editor that fits the project's type and the
// payload's shape.

import { useRef, useState } from 'preact/hooks';
import type { OutputType } from '../api.ts';
import { t } from '../i18n.ts';
import { JsonTree } from '../inputs/tree.tsx';
import { parseJson, printJson, type Json } from '../json.ts';
import { useStateOf } from '../memo.ts';
import { Glyph } from '../ui/index.tsx';
import { Grid } from './grid.tsx';
import { Label } from './label.tsx';
import { fits, rawFault, type Edit } from './output.ts';
import { TextEditor } from './text.tsx';

export interface EditorProps {
    /** What the model gave. */
    original: Json;
    /** Where the editing starts; later states come from the editor itself. */
    edit: Edit;
    onEdit: (edit: Edit) => void;
    readOnly: boolean;
    /** Shows the other pane, where they are tabs. */
    onSide: (side: 'input' | 'output') => void;
}

/** of: what is edited; another one begins anew. A grid's elements stay, all others are made anew. */
export function Editor({ type, of, ...props }: EditorProps & { type: OutputType; of: string }) {
    const misfit = !fits(type, props.original);
    // As it began: an editor does not change under somebody's hands.
    const [{ raw, state }, set] = useStateOf(of, () => ({ raw: props.edit.as === 'raw', state: props.edit }));
    const usable = state.as === 'json' && fits(type, state.value);
    const editRaw = () => {
        const next: Edit = { as: 'raw', value: state.value, text: printJson(state.value, 2), problem: null };
        set({ raw: true, state: next });
    };
    const leaveRaw = () => {
        const next: Edit = { as: 'json', value: parseJson(state.text), text: '', problem: null };
        set({ raw: false, state: next });
        props.onEdit(next);
    };
    const onEdit = (next: Edit) => {
        set({ raw, state: next });
        props.onEdit(next);
    };
    const inner = { ...props, edit: state, onEdit };
    return (
        <div class="editor">
            {misfit && <p class="note warn"><Glyph name="warn" /><span class="grow">{t(`review.misfit.${type}`)}</span></p>}
            {raw ? <Raw key={of} {...inner} />
                : !usable ? <JsonTree key={of} value={state.value} label={t('review.output')} />
                : type === 'text' ? <TextEditor key={of} {...inner} />
                : type === 'classification' ? <Label key={of} {...inner} />
                : <Grid of={of} {...inner} />}
            {!props.readOnly && (raw
                ? <button type="button" class="link" disabled={rawFault(state.text) !== null} onClick={leaveRaw}>{t('review.backToForm')}</button>
                : <button type="button" class={usable ? 'link' : ''} data-first={usable ? undefined : true} onClick={editRaw}>{t('review.editAsJson')}</button>)}
        </div>
    );
}

function Raw({ edit, onEdit, readOnly }: EditorProps) {
    const [text, setText] = useState(edit.text);
    const fault = rawFault(text);
    const box = useRef<HTMLTextAreaElement>(null);
    const said = fault === null ? '' : fault === 'object' ? t('review.mustBeObject') : t('review.faultAt', { line: fault.line, column: fault.column, expected: fault.expected });
    const jump = () => {
        if (fault === null || fault === 'object') return;
        const at = text.split('\n').slice(0, fault.line - 1).reduce((sum, line) => sum + line.length + 1, 0) + fault.column - 1;
        box.current?.focus();
        box.current?.setSelectionRange(at, Math.min(text.length, at + 1));
    };
    return (
        <div class="field raw">
            <label for="raw-json">{t('review.outputAsJson')}</label>
            <textarea id="raw-json" ref={box} class="mono" data-first rows={18} spellcheck={false} readOnly={readOnly} value={text} aria-invalid={fault ? 'true' : undefined} aria-describedby={fault ? 'raw-fault' : undefined}
                onInput={(event) => {
                    const next = event.currentTarget.value;
                    setText(next);
                    const wrong = rawFault(next);
                    onEdit({ as: 'raw', value: edit.value, text: next, problem: wrong === null ? null : t('review.notJson') });
                }} />
            {fault && <span class="row wrong" id="raw-fault"><span>{said}</span>{fault !== 'object' && <button type="button" class="link" onClick={jump}>{t('review.showFault')}</button>}</span>}
        </div>
    );
}
