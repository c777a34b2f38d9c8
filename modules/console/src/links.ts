// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Addresses of one screen that others link to.

import { BASE } from './router.ts';

export const traceHref = (id: string): string => `${BASE}review/${encodeURIComponent(id)}`;
export const promptHref = (project: string, version?: string): string => `${BASE}prompts?project=${project}${version ? `&after=${version}` : ''}`;
export const webhookSettingsHref = (project: string): string => `${BASE}settings/webhooks?project=${project}`;
