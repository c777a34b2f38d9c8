// Licensed under the Apache License, Version 2.0; see LICENSE.

/** Put in by build.mjs: pdf.js's worker and data, relative to /console/. */
declare const PDF_WORKER: string;
declare const PDF_DATA: string;
declare module '*.css';
