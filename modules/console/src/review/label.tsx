// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Classification outputs: the predicted label is chosen, the others are a digit away.

import { useId, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { JsonTree } from '../inputs/tree.tsx';
import { useShortcuts } from '../keys.ts';
import { member, stringNode, textOf } from '../json.ts';
import { announce, Glyph } from '../ui/index.tsx';
import type { EditorProps } from './editors.tsx';
import { labels, rest, startEdit, withMember } from './output.ts';

/** With more labels than digits one types to find. */
const MANY = 10;

export function Label({ original, edit, onEdit, readOnly }: EditorProps) {
    const id = useId();
    const node = member(original, 'label')!;
    const predicted = textOf(node)!;
    const known = labels(original);
    const [value] = useState(edit.value);
    const [chosen, setChosen] = useState(() => textOf(member(edit.value, 'label')) ?? predicted);
    const [filter, setFilter] = useState('');
    const [custom, setCustom] = useState(() => (known.includes(chosen) ? '' : chosen));
    const filterBox = useRef<HTMLInputElement>(null);
    const found = known.filter((one) => one.toLowerCase().includes(filter.trim().toLowerCase()));
    const shown = found.slice(0, 200);
    const others = rest(value, ['label', 'alternatives']);

    const choose = (label: string) => {
        if (readOnly || label === '') return;
        setChosen(label);
        announce(t('review.chosen', { label }));
        onEdit(startEdit(withMember(value, 'label', label === predicted ? node : stringNode(label))));
    };
    useShortcuts(readOnly ? [] : shown.slice(0, 10).map((label, at) => ({
        keys: String((at + 1) % 10), does: t('review.chooseLabel', { label }), group: t('review.groupLabels'), run: () => choose(label),
    })));
    return (
        <div class="labels stack">
            {known.length > MANY && !readOnly && (
                <div class="field">
                    <label for={`${id}-filter`}>{t('review.findLabel', { count: known.length })}</label>
                    <input id={`${id}-filter`} ref={filterBox} data-first type="search" value={filter} autocomplete="off" onInput={(event) => setFilter(event.currentTarget.value)}
                        onKeyDown={(event) => {
                            if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || found.length === 0) return;
                            event.preventDefault();
                            event.stopPropagation();
                            choose(found[0]);
                            filterBox.current?.blur();
                        }} />
                </div>
            )}
            <fieldset>
                <legend>{t('review.label')}</legend>
                <ul>
                    {shown.map((label, at) => (
                        <li key={label}>
                            <label class={`option ${chosen === label ? 'on' : ''}`}>
                                <input type="radio" name={`${id}-label`} data-first={at === 0 && known.length <= MANY ? true : undefined} checked={chosen === label} disabled={readOnly} onChange={() => choose(label)} />
                                <span class="grow">{label}</span>
                                {label === predicted && <small>{t('review.predicted')}</small>}
                                {at < 10 && !readOnly && <kbd aria-hidden="true">{(at + 1) % 10}</kbd>}
                            </label>
                        </li>
                    ))}
                </ul>
                {found.length === 0 && <p class="quiet">{t('review.noLabel')}</p>}
            </fieldset>
            {!known.includes(chosen) && <p class="row"><Glyph name="corrected" /><span>{t('review.ownChosen')} <ins>{chosen}</ins></span></p>}
            {!readOnly && (
                <form class="field" onSubmit={(event) => { event.preventDefault(); choose(custom.trim()); }}>
                    <label for={`${id}-own`}>{t('review.ownLabel')}</label>
                    <div class="row">
                        <input id={`${id}-own`} class="grow" value={custom} autocomplete="off" onInput={(event) => {
                            setCustom(event.currentTarget.value);
                            // What is typed counts at once: nobody has to press a button to keep it.
                            choose(event.currentTarget.value.trim() || predicted);
                        }} />
                    </div>
                </form>
            )}
            {chosen !== predicted && (
                <small class="was row">{t('review.was', { value: '' })}<del>{predicted}</del>
                    {!readOnly && <button type="button" class="plain tiny" aria-label={t('review.resetField', { name: t('review.label') })} onClick={() => { setCustom(''); choose(predicted); }}><Glyph name="reset" /></button>}
                </small>
            )}
            {others && <details><summary>{t('review.otherMembers')}</summary><JsonTree value={others} label={t('review.otherMembers')} /></details>}
        </div>
    );
}
