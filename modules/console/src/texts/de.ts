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
    input: {
        label: 'Eingabe', system: 'System-Prompt', systemNote: 'Anweisungen an das Modell', others: 'Weitere Eingaben', noContent: 'Der Inhalt ist leer.',
        role_system: 'System', role_developer: 'Entwickler', role_user: 'Nutzer', role_assistant: 'Assistent', role_tool: 'Werkzeug', message: 'Nachricht {number}',
        members: { one: '{count} Feld', other: '{count} Felder' }, items: { one: '{count} Eintrag', other: '{count} Einträge' }, noMembers: 'keine Felder', noItems: 'keine Einträge',
        showMore: { one: '{count} weiteren zeigen', other: '{count} weitere zeigen' }, showAll: 'Alle {length} Zeichen zeigen', showLess: 'Weniger zeigen', emptyText: '(leerer Text)',
        type_string: 'Text', type_number: 'Zahl', type_boolean: 'ja oder nein', type_null: 'nichts',
        misfit_text: 'Dieses Projekt zeigt Text, aber die Eingabe hat kein {key}.', misfit_pdf: 'Dieses Projekt zeigt PDFs, aber die Eingabe hat kein {key}.', misfit_image: 'Dieses Projekt zeigt Bilder, aber die Eingabe hat kein {key}.',
        notText: 'Das Feld {key} der Eingabe ist kein Text und lässt sich nicht so zeigen, wie dieses Projekt es vorsieht.', notObject: 'Die Eingabe ist kein Objekt mit Feldern.',
        notBase64: 'Das Feld {key} der Eingabe ist kein gültiges Base64; es gibt nichts zu zeigen.', notPdf: 'Das Feld {key} der Eingabe ist kein PDF.', notImage: 'Das Feld {key} der Eingabe ist kein Bild in PNG, JPEG, GIF, WebP, AVIF oder BMP.',
        shownAsText: 'Es wird als Text gezeigt; nichts darin wird ausgeführt.', download: 'Herunterladen', file: 'Datei',
        pdfPassword: 'Dieses PDF ist mit einem Passwort geschützt und lässt sich hier nicht zeigen.', pdfBroken: 'Dieses PDF ist beschädigt und lässt sich hier nicht zeigen.', pdfSlow: 'Dieses PDF braucht ungewöhnlich lange.', pdfMoved: 'Seine Anzeige antwortet nicht.',
        pdfTitle: 'PDF: {name}', pdfLink: 'Dieses PDF verweist auf:', openLink: 'In neuem Tab öffnen',
        imageBroken: 'Dieses Bild ist beschädigt und lässt sich hier nicht zeigen.', imageHuge: 'Dieses Bild ist sehr groß ({width} × {height}). Es kann Ihren Browser bremsen.', showAnyway: 'Trotzdem zeigen',
        image: 'Bild {name}', imageKeys: 'Bild: Pfeile verschieben, + und − zoomen, 0 passt ein, 1 zeigt die eigene Größe, R dreht',
        zoomIn: 'Vergrößern', zoomOut: 'Verkleinern', fit: 'Einpassen', fitWidth: 'Breite einpassen', actual: 'Eigene Größe', rotate: 'Drehen', reset: 'Ansicht zurücksetzen', zoom: 'Zoom',
        page: 'Seite', pages: 'von {count}', document: 'Dokument', search: 'Im PDF suchen', searchNext: 'Nächste Stelle', searchBack: 'Vorige Stelle', noMatch: 'Nicht gefunden', matchOf: '{at} von {count}', escape: 'Esc: zurück zur Prüfung', pageLabel: 'Seite {number}', link: 'Link: {url}', pageLink: 'Verweis innerhalb des PDFs',
    },
};
