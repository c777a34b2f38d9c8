// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ScreenProps } from '../shell.tsx';
import { t } from '../i18n.ts';

export default function Review(_props: ScreenProps) {
    return <div class="page"><header><h1>{t('shell.review')}</h1></header></div>;
}
