// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ScreenProps } from '../shell.tsx';
import { t } from '../i18n.ts';

export default function Analytics(_props: ScreenProps) {
    return <div class="page"><header><h1>{t('shell.analytics')}</h1></header></div>;
}
