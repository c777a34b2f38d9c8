// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { Texts } from '../i18n.ts';

export const de: Texts = {
    common: {
        cancel: 'Abbrechen', close: 'Schließen', save: 'Speichern', copy: 'Kopieren', copied: 'Kopiert', copyIt: '{what} kopieren', loading: 'Wird geladen',
        tryAgain: 'Erneut versuchen', optional: '(freiwillig)', more: 'Mehr', all: 'Alle', none: 'Keine', edit: 'Bearbeiten', remove: 'Entfernen', create: 'Anlegen',
        loadMore: 'Mehr laden', saved: 'Gespeichert', you: 'Sie',
    },
    status: { pending: 'Offen', approved: 'Freigegeben', rejected: 'Abgelehnt', corrected: 'Korrigiert' },
    errors: {
        unreachable: 'Der Server antwortet nicht. Ihre Eingaben bleiben erhalten.',
        forbidden: 'Das dürfen Sie nicht: {detail}',
        tooMany: { one: 'Zu viele Anfragen. Versuchen Sie es in {count} Sekunde erneut.', other: 'Zu viele Anfragen. Versuchen Sie es in {count} Sekunden erneut.' },
        server: 'Der Server konnte das gerade nicht ausführen: {detail}',
    },
    shell: {
        skip: 'Zum Inhalt', nav: 'Ansichten', project: 'Projekt', chooseProject: 'Projekt wählen', allProjects: 'Alle Projekte',
        traces: 'Traces', review: 'Prüfen', webhooks: 'Webhooks', prompts: 'Prompts', analytics: 'Auswertung', audit: 'Protokoll', settings: 'Einstellungen',
        signOut: 'Abmelden', organization: 'Organisation', theme: 'Farben', themeSystem: 'Wie das System', themeLight: 'Hell', themeDark: 'Dunkel',
        language: 'Sprache', help: 'Tastenkürzel', account: 'Konto von {name}', offline: 'Offline: Der Server antwortet nicht. Was Sie tun, bleibt hier und wird gesendet, sobald er wieder da ist.',
        shortcutsOn: 'Kürzel mit einer Taste', shortcutsNote: 'Schalten Sie sie aus, wenn Sie diktieren oder Tasten versehentlich drücken.',
        notFound: 'Diese Seite gibt es nicht', notFoundText: 'Die Adresse ist vielleicht alt oder vertippt.', toTraces: 'Zu den Traces',
        noOrganization: 'Sie gehören noch keiner Organisation an', noOrganizationText: 'Sie sind angemeldet, aber niemand hat Sie zu einer Organisation hinzugefügt. Bitten Sie einen Administrator, das unter Einstellungen, Mitglieder zu tun.',
        chooseOrganization: 'Organisation wählen', broken: 'Auf dieser Seite ging etwas schief', brokenText: 'Ihre Entwürfe sind gesichert. Laden Sie die Seite neu; geschieht es wieder, sagen Sie Ihrem Administrator, was Sie getan haben.', loadAgain: 'Neu laden',
    },
    signIn: {
        title: 'Anmelden', login: 'Name', password: 'Passwort', submit: 'Anmelden', wrong: 'Name oder Passwort ist falsch.',
        ended: 'Ihre Sitzung ist abgelaufen. Melden Sie sich an, um fortzufahren; Ihre Entwürfe sind gesichert.',
    },
};
