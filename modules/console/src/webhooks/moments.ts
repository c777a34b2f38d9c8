// Licensed under the Apache License, Version 2.0; see LICENSE.

/** What <input type="datetime-local"> wants: local time without a zone. */
export function localInput(time: Date): string {
    return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

/** Its minute belongs to the range: what is chosen is included. */
export function moment(local: string, plus = 0): string { return local ? new Date(new Date(local).getTime() + plus).toISOString() : ''; }
