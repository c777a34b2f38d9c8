// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Every text of the console, screen by screen. {name} takes a value; {one, other}
// chooses by count.

export const en = {
    common: {
        cancel: 'Cancel', close: 'Close', save: 'Save', copy: 'Copy', copied: 'Copied', copyIt: 'Copy {what}', loading: 'Loading',
        tryAgain: 'Try again', optional: '(optional)', more: 'More', all: 'All', none: 'None', edit: 'Edit', remove: 'Remove', create: 'Create',
        loadMore: 'Load more', saved: 'Saved', you: 'you',
    },
    status: { pending: 'Pending', approved: 'Approved', rejected: 'Rejected', corrected: 'Corrected' },
    errors: {
        unreachable: 'The server does not answer. What you typed is kept.',
        forbidden: 'You may not do this: {detail}',
        tooMany: { one: 'Too many requests. Try again in {count} second.', other: 'Too many requests. Try again in {count} seconds.' },
        server: 'The server could not do it now: {detail}',
    },
    shell: {
        skip: 'Skip to content', nav: 'Screens', project: 'Project', chooseProject: 'Choose a project', allProjects: 'All projects',
        traces: 'Traces', review: 'Review', webhooks: 'Webhooks', prompts: 'Prompts', analytics: 'Analytics', audit: 'Audit', settings: 'Settings',
        signOut: 'Sign out', organization: 'Organization', theme: 'Theme', themeSystem: 'As the system', themeLight: 'Light', themeDark: 'Dark',
        language: 'Language', help: 'Keyboard shortcuts', account: 'Account of {name}', offline: 'Offline: the server does not answer. What you do is kept here and sent when it is back.',
        shortcutsOn: 'Single-key shortcuts', shortcutsNote: 'Turn them off if you use speech input or press keys by accident.',
        notFound: 'There is no such page', notFoundText: 'The address may be old or mistyped.', toTraces: 'Go to the traces',
        noOrganization: 'You belong to no organization yet', noOrganizationText: 'You are signed in, but nobody has added your login to an organization. Ask an administrator to add it under Settings, Members.',
        chooseOrganization: 'Choose an organization', broken: 'Something broke on this page', brokenText: 'Your drafts are kept. Load the page again; if it happens once more, tell your administrator what you did.', loadAgain: 'Load again',
    },
    signIn: {
        title: 'Sign in', login: 'Name', password: 'Password', submit: 'Sign in', wrong: 'The name or the password is wrong.',
        ended: 'Your session has ended. Sign in to go on; your drafts are kept.',
    },
    prompts: {
        noProject: 'No project yet', noProjectText: 'Prompts belong to a project. Create one first.', toProjects: 'Create a project',
        none: 'No prompt yet', noneText: 'Keep the prompt of your model here: your program fetches the active version when it runs, and every trace names the version that made it. So you see what a change brought.',
        noneViewer: 'Nobody has saved a prompt for this project. Administrators can.', writeFirst: 'Write the first version', firstVersion: 'First version',
        versions: 'Versions', version: 'v{number}', versionColumn: 'Version', savedAt: 'Saved', by: 'By', source: 'How', reviewed: 'Reviewed', active: 'active',
        refined: 'Refined from reviews', byHand: 'Written by hand', isAfter: 'shown', isBefore: 'compared with', allVersions: 'Show all {count} versions',
        why: 'Why', content: 'Text', changes: 'What changed', before: 'From', after: 'to', view: 'View', sides: 'Side by side', joined: 'In one', copyContent: 'Copy text',
        sameText: 'The texts are the same.', unchangedLines: { one: '{count} unchanged line', other: '{count} unchanged lines' },
        effect: 'What came of it', ofReviewed: 'Of the reviewed traces', change: 'Change, % points', better: 'better', worse: 'worse', noChange: 'no change', median: 'Time to review, half within', correctedFields: 'Corrected fields',
        noReviewsYet: 'Nothing made with {version} has been reviewed yet.',
        newVersion: 'New version', goOn: 'Go on with the draft', save: 'Save and make active', saveAnyway: 'Save anyway', yours: 'Your text', discard: 'Discard draft', draftKept: 'This is your draft, last changed',
        activeAtOnce: 'It becomes active at once; earlier versions stay.', size: 'Size', bytes: '{bytes} of {most} bytes', tooLong: '{over} bytes too many.', savedAs: 'Saved as {version}',
        overtaken: '{version} was saved while you were writing. Saving yours replaces it as the active one.', compareWithIt: 'Compare mine with it',
        refine: 'Refine from reviews', refining: 'Refining…', openSuggestion: 'Open the suggestion', noSuggestion: 'No suggestion yet',
        tooFew: { one: 'A refinement learns from reviews. {count} more trace has to be reviewed since {version} was saved.', other: 'A refinement learns from reviews. {count} more traces have to be reviewed since {version} was saved.' },
        progress: '{count} of {required} reviewed', startReviewing: 'Start reviewing',
        noRefiner: 'This server has no refiner. Its administrator chooses one in httpd.conf and restarts it:', noRefinerHow: '"builtin" finds what reviewers keep correcting and needs no model; "http" asks a model of your choice (TuorRefinerURL, TuorRefinerModel).',
        refinerFailed: 'The refiner was asked but gave no usable answer. Nothing has changed.',
        suggestion: 'Suggestion', suggestionFrom: { one: 'Made from {count} review of {version}', other: 'Made from {count} reviews since {version}' },
        accept: 'Accept and make active', acceptEdited: 'Accept as edited', editSuggestion: 'Edit', undoEdits: 'Undo my edits', discardSuggestion: 'Discard',
        stale: '{version} is no longer the active version, so this suggestion cannot be accepted. Refine the active one when it has been reviewed.',
        staleNow: 'Another version has become active, or this suggestion was accepted already. It cannot be accepted now.', toVersions: 'To the versions',
        suggestionGone: 'The suggestion is not here', suggestionGoneText: 'Suggestions are kept in the browser that asked for them until they are accepted or discarded. Refine again.',
        showEvidence: { one: 'Show the review behind it', other: 'Show the {count} reviews behind it' }, searching: 'Looking for the reviews…', evidence: { one: '{count} review', other: '{count} reviews' }, theTrace: 'Trace',
        moreEvidence: { one: '{count} more was not found: reset or deleted since.', other: '{count} more were not found: reset or deleted since, or too long ago.' },
    },
};
