// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// How an image lies in its pane: arithmetic alone.

/** x, y: where the image's centre stands, from the pane's centre; scale: pixels of the pane for one of the image. */
export interface ImageView { fit: boolean; scale: number; x: number; y: number; turns: number }
export interface Size { width: number; height: number }

export const START: ImageView = { fit: true, scale: 1, x: 0, y: 0, turns: 0 };
const LEAST = 0.02, MOST = 40;

const turned = (image: Size, turns: number): Size => turns % 2 ? { width: image.height, height: image.width } : image;

/** The scale at which all of the image is seen; small ones are not enlarged. */
export function fitScale(image: Size, pane: Size, turns: number): number {
    const { width, height } = turned(image, turns);
    return width && height && pane.width && pane.height ? Math.min(1, pane.width / width, pane.height / height) : 1;
}

export function scaleOf(view: ImageView, image: Size, pane: Size): number {
    return view.fit ? fitScale(image, pane, view.turns) : view.scale;
}

/** Zooms by a factor; the point under (x, y), from the pane's centre, stays there. */
export function zoomAt(view: ImageView, image: Size, pane: Size, factor: number, x = 0, y = 0): ImageView {
    const old = scaleOf(view, image, pane);
    const scale = Math.min(MOST, Math.max(LEAST, old * factor));
    const grown = scale / old;
    const base = view.fit ? { x: 0, y: 0 } : view;
    return held({ ...view, fit: false, scale, x: x - (x - base.x) * grown, y: y - (y - base.y) * grown }, image, pane);
}

export function movedBy(view: ImageView, image: Size, pane: Size, x: number, y: number): ImageView {
    if (view.fit) return view;
    return held({ ...view, x: view.x + x, y: view.y + y }, image, pane);
}

export function turnedBy(view: ImageView, image: Size, pane: Size): ImageView {
    return held({ ...view, turns: (view.turns + 1) % 4, x: -view.y, y: view.x }, image, pane);
}

/** Part of the image stays in the pane, wherever it is moved. */
export function held(view: ImageView, image: Size, pane: Size): ImageView {
    const { width, height } = turned(image, view.turns);
    const most = (length: number, room: number) => Math.max(0, (length * view.scale + room) / 2 - 48);
    const clamp = (value: number, limit: number) => Math.max(-limit, Math.min(limit, value));
    return { ...view, x: clamp(view.x, most(width, pane.width)), y: clamp(view.y, most(height, pane.height)) };
}
