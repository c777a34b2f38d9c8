// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the console and its PDF frame say to each other. The frame has no origin,
// no session and no way out but these messages; the console believes nothing in
// them that matters: no key, no verdict, no address is taken without a person.

export interface Labels {
    document: string; zoomIn: string; zoomOut: string; fitWidth: string; rotate: string; page: string; pages: string; search: string; searchNext: string;
    searchBack: string; noMatch: string; matchOf: string; escape: string; pageLabel: string; link: string; pageLink: string; download: string; zoom: string;
}

export type ToFrame =
    | { type: 'setup'; labels: Labels; language: string; theme: string | null }
    /** bytes are transferred. A document is kept under its key until it is dropped. */
    | { type: 'open'; key: string; name: string; bytes: ArrayBuffer }
    | { type: 'show'; key: string }
    | { type: 'hide' }
    | { type: 'drop'; key: string }
    | { type: 'find'; id: number; patterns: string[]; text: string };

export type FromFrame =
    | { type: 'ready' }
    /** The first page is drawn; of a document that is shown: before the reader's eyes. */
    | { type: 'drawn'; key: string; pages: number }
    | { type: 'failed'; key: string; why: 'password' | 'broken' }
    | { type: 'found'; id: number; count: number; at: number; page?: number }
    | { type: 'escape' }
    /** Somebody reads. */
    | { type: 'active' }
    | { type: 'download' }
    | { type: 'link'; url: string };
