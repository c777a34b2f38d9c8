// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two shelves in the browser's IndexedDB: verdicts that the server has not got yet,
// and drafts. A browser that refuses storage gets shelves that last as long as the
// page, and says so (kept is false).

export interface Shelf<T> {
    /** Outlives the page. */
    readonly kept: boolean;
    all(): Promise<T[]>;
    /** Asked for before it returns: the browser stores it though the page dies. */
    put(item: T): Promise<void>;
    /** One transaction, over all tabs: change gets what is there and answers with what shall be; null takes it away, undefined leaves it. */
    change(key: string, change: (old: T | undefined) => T | null | undefined): Promise<void>;
}

type StoreName = 'verdicts' | 'drafts';

let opening: Promise<IDBDatabase | null> | null = null;

function database(): Promise<IDBDatabase | null> {
    opening ??= new Promise((resolve) => {
        let request: IDBOpenDBRequest;
        try {
            request = indexedDB.open('tuor', 1);
        } catch {
            resolve(null);
            return;
        }
        request.onupgradeneeded = () => {
            for (const name of ['verdicts', 'drafts']) request.result.createObjectStore(name, { keyPath: 'key' });
        };
        request.onerror = () => resolve(null);
        request.onsuccess = () => {
            const db = request.result;
            db.onversionchange = () => db.close();
            db.onclose = () => { opening = null; };
            resolve(db);
        };
    });
    return opening;
}

export async function openShelf<T extends { key: string }>(name: StoreName): Promise<Shelf<T>> {
    if (!await database()) return memoryShelf();
    const run = async <R>(mode: IDBTransactionMode, work: (store: IDBObjectStore, keep: (result: R) => void) => void): Promise<R> => {
        const db = await database();
        if (!db) throw new Error('no storage');
        return new Promise<R>((resolve, reject) => {
            let result: R;
            const transaction = db.transaction(name, mode);
            transaction.oncomplete = () => resolve(result);
            transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('storage'));
            work(transaction.objectStore(name), (value) => { result = value; });
        });
    };
    return {
        kept: true,
        all: () => run<T[]>('readonly', (store, keep) => {
            const request = store.getAll();
            request.onsuccess = () => keep(request.result as T[]);
        }),
        put: (item) => run<void>('readwrite', (store) => {
            store.put(item);
            store.transaction.commit?.();
        }),
        change: (key, change) => run<void>('readwrite', (store) => {
            const request = store.get(key);
            request.onsuccess = () => {
                const next = change(request.result as T | undefined);
                if (next === null) store.delete(key);
                else if (next !== undefined) store.put(next);
            };
        }),
    };
}

export function memoryShelf<T extends { key: string }>(items = new Map<string, T>()): Shelf<T> {
    return {
        kept: false,
        all: async () => structuredClone([...items.values()]),
        put: async (item) => { items.set(item.key, structuredClone(item)); },
        change: async (key, change) => {
            const old = items.get(key);
            const next = change(old && structuredClone(old));
            if (next === null) items.delete(key);
            else if (next !== undefined) items.set(key, structuredClone(next));
        },
    };
}
