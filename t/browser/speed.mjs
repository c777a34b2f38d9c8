// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// How long the console takes: from a key to the paint, and how much of the main thread it costs.

/** The q-th part of the numbers, in order: percentile(times, 0.95). */
export const percentile = (numbers, q) => [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))];

/**
 * A stopwatch for a tab: await watch(selector, act) does act and answers, once selector matches and that was painted, with
 * {wall, main, script, style, layout} in ms. wall counts from the key press (or, without one, from the start of act) and
 * grows with what else the machine does; main is what the page's main thread was busy, what followed the paint included.
 */
export async function stopwatch(tab) {
    const cdp = await tab.context.newCDPSession(tab.page);
    await cdp.send('Performance.enable');
    const metrics = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((one) => [one.name, one.value * 1000]));
    return async (selector, act) => {
        await tab.page.evaluate((wanted) => {
            let from = performance.now();
            addEventListener('keydown', (event) => { from = event.timeStamp; }, { capture: true, once: true });
            globalThis.painted = new Promise((resolve, reject) => {
                setTimeout(() => reject(new Error(`not shown: ${wanted}`)), 60_000);
                const look = () => {
                    if (!document.querySelector(wanted)) return;
                    observer.disconnect();
                    // Behind the frame that shows it.
                    requestAnimationFrame(() => {
                        const channel = new MessageChannel();
                        channel.port1.onmessage = () => resolve(performance.now() - from);
                        channel.port2.postMessage(0);
                    });
                };
                const observer = new MutationObserver(look);
                observer.observe(document, { subtree: true, childList: true, attributes: true });
                look();
            });
        }, selector);
        const before = await metrics();
        await act();
        const wall = await tab.page.evaluate(() => globalThis.painted);
        const after = await metrics();
        const took = (name) => after[name] - before[name];
        return { wall, main: took('TaskDuration'), script: took('ScriptDuration'), style: took('RecalcStyleDuration'), layout: took('LayoutDuration') };
    };
}

/** Shows another address inside the console, as a link does. */
export const turnTo = (page, address) => page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
}, address);

/**
 * Types a sentence into what has the focus; the ms of main thread that each key costs: its handlers, layout and paint, and what
 * is done about it afterwards. (A message that is posted then would come late: Chromium holds others back until a key is painted.)
 */
export async function keystrokes(tab, text = 'The quick brown fox jumps over the lazy dog, again and again.') {
    const cdp = await tab.context.newCDPSession(tab.page);
    await cdp.send('Performance.enable');
    const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration').value * 1000;
    const times = [];
    let before = await busy();
    for (const letter of text) {
        await tab.page.keyboard.type(letter);
        await tab.page.waitForTimeout(40);
        const now = await busy();
        times.push(now - before);
        before = now;
    }
    return times;
}

/** Loads an address; the ms from there until selector matches and that was painted. Playwright's own waiting looks but twice a second. */
export async function loading(tab, address, selector) {
    await tab.page.addInitScript((wanted) => {
        if (parent !== globalThis) return;
        globalThis.seen = new Promise((resolve) => {
            const look = () => {
                if (!document.querySelector(wanted)) return;
                observer.disconnect();
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
            };
            const observer = new MutationObserver(look);
            observer.observe(document, { subtree: true, childList: true, attributes: true });
        });
    }, selector);
    await tab.goto(address);
    return tab.page.evaluate(() => globalThis.seen);
}
