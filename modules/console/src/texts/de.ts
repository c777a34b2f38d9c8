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
    prompts: {
        noProject: 'Noch kein Projekt', noProjectText: 'Prompts gehören zu einem Projekt. Legen Sie zuerst eines an.', toProjects: 'Projekt anlegen',
        none: 'Noch kein Prompt', noneText: 'Bewahren Sie den Prompt Ihres Modells hier auf: Ihr Programm holt beim Lauf die aktive Version, und jeder Trace nennt die Version, die ihn erzeugt hat. So sehen Sie, was eine Änderung gebracht hat.',
        noneViewer: 'Für dieses Projekt hat noch niemand einen Prompt gespeichert. Administratoren können das.', writeFirst: 'Erste Version schreiben', firstVersion: 'Erste Version',
        versions: 'Versionen', version: 'v{number}', versionColumn: 'Version', savedAt: 'Gespeichert', by: 'Von', source: 'Wie', reviewed: 'Geprüft', active: 'aktiv',
        refined: 'Aus Prüfungen verfeinert', byHand: 'Von Hand geschrieben', isAfter: 'gezeigt', isBefore: 'verglichen mit', allVersions: 'Alle {count} Versionen zeigen',
        why: 'Warum', content: 'Text', changes: 'Was sich geändert hat', before: 'Von', after: 'zu', view: 'Ansicht', sides: 'Nebeneinander', joined: 'In einem', copyContent: 'Text kopieren',
        sameText: 'Die Texte sind gleich.', unchangedLines: { one: '{count} unveränderte Zeile', other: '{count} unveränderte Zeilen' },
        effect: 'Was es gebracht hat', ofReviewed: 'Von den geprüften Traces', change: 'Änderung, %-Punkte', better: 'besser', worse: 'schlechter', noChange: 'unverändert', median: 'Zeit bis zur Prüfung, die Hälfte binnen', correctedFields: 'Korrigierte Felder',
        noReviewsYet: 'Von {version} ist noch nichts geprüft.',
        newVersion: 'Neue Version', goOn: 'Entwurf fortsetzen', save: 'Speichern und aktivieren', saveAnyway: 'Trotzdem speichern', yours: 'Ihr Text', discard: 'Entwurf verwerfen', draftKept: 'Das ist Ihr Entwurf, zuletzt geändert',
        activeAtOnce: 'Die Version wird sofort aktiv; frühere bleiben erhalten.', size: 'Größe', bytes: '{bytes} von {most} Byte', tooLong: '{over} Byte zu viel.', savedAs: 'Gespeichert als {version}',
        overtaken: '{version} wurde gespeichert, während Sie schrieben. Ihre Version löst sie als aktive ab.', compareWithIt: 'Meine damit vergleichen',
        refine: 'Aus Prüfungen verfeinern', refining: 'Wird verfeinert …', openSuggestion: 'Vorschlag öffnen', noSuggestion: 'Noch kein Vorschlag',
        tooFew: { one: 'Verfeinert wird aus Prüfungen. Seit {version} gespeichert wurde, muss noch {count} Trace geprüft werden.', other: 'Verfeinert wird aus Prüfungen. Seit {version} gespeichert wurde, müssen noch {count} Traces geprüft werden.' },
        progress: '{count} von {required} geprüft', startReviewing: 'Mit dem Prüfen beginnen',
        noRefiner: 'Dieser Server hat keinen Verfeinerer. Der Administrator wählt einen in httpd.conf und startet neu:', noRefinerHow: '„builtin“ findet, was immer wieder korrigiert wird, und braucht kein Modell; „http“ fragt ein Modell Ihrer Wahl (TuorRefinerURL, TuorRefinerModel).',
        refinerFailed: 'Der Verfeinerer wurde gefragt, gab aber keine brauchbare Antwort. Nichts hat sich geändert.',
        suggestion: 'Vorschlag', suggestionFrom: { one: 'Aus {count} Prüfung seit {version}', other: 'Aus {count} Prüfungen seit {version}' },
        accept: 'Annehmen und aktivieren', acceptEdited: 'Mit Änderungen annehmen', editSuggestion: 'Bearbeiten', undoEdits: 'Meine Änderungen zurücknehmen', discardSuggestion: 'Verwerfen',
        stale: '{version} ist nicht mehr aktiv, deshalb kann dieser Vorschlag nicht angenommen werden. Verfeinern Sie die aktive Version, wenn sie geprüft ist.',
        staleNow: 'Eine andere Version ist aktiv geworden, oder der Vorschlag wurde schon angenommen. Jetzt kann er nicht angenommen werden.', toVersions: 'Zu den Versionen',
        suggestionGone: 'Der Vorschlag ist nicht hier', suggestionGoneText: 'Vorschläge bleiben in dem Browser, der sie angefordert hat, bis sie angenommen oder verworfen sind. Verfeinern Sie erneut.',
        showEvidence: { one: 'Die Prüfung dahinter zeigen', other: 'Die {count} Prüfungen dahinter zeigen' }, searching: 'Prüfungen werden gesucht …', evidence: { one: '{count} Prüfung', other: '{count} Prüfungen' }, theTrace: 'Trace',
        moreEvidence: { one: '{count} weitere wurde nicht gefunden: inzwischen zurückgesetzt oder gelöscht.', other: '{count} weitere wurden nicht gefunden: inzwischen zurückgesetzt, gelöscht oder zu lange her.' },
    },
};
