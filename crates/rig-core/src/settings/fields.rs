//! The settings whose wrong type makes the client ignore a whole file.
//!
//! Observed with client 2.1.330, key by key. A key that is not listed has no such effect, or is
//! not known; values inside a key, such as the words that one allows, are not checked here.

use super::json::{Kind, Node};

/// Says what a top-level key of user-side settings should hold, where it holds something that
/// makes the client ignore the file.
pub(super) fn misfit(key: &str, value: &Node) -> Option<&'static str> {
    let (fits, _) = SHAPES.iter().find(|(_, keys)| keys.contains(&key))?;
    let bit = match value.kind {
        Kind::Null => NULL,
        Kind::Bool(_) => FLAG,
        Kind::Number => NUMBER,
        Kind::String(_) => TEXT,
        Kind::Array(_) => LIST,
        Kind::Object(_) => OBJECT,
    };
    if fits & bit != 0 {
        return None;
    }
    Some(match fits & !NULL {
        FLAG => "a boolean",
        NUMBER => "a number",
        TEXT => "a text",
        LIST => "a list",
        OBJECT => "an object",
        FLAG_OR_OBJECT => "a boolean or an object",
        _ => "a text or a list",
    })
}

/// Says whether a list of `permissions` makes the client ignore the file. What the list holds
/// does not.
pub(super) fn permission_misfit(permissions: &Node) -> Option<(&'static str, &Node)> {
    ["allow", "deny", "ask", "additionalDirectories"].into_iter().find_map(|key| {
        let value = permissions.get(key)?;
        value.elements().is_none().then_some((key, value))
    })
}

const NULL: u8 = 1;
const FLAG: u8 = 2;
const NUMBER: u8 = 4;
const TEXT: u8 = 8;
const LIST: u8 = 16;
const OBJECT: u8 = 32;
const FLAG_OR_OBJECT: u8 = FLAG | OBJECT;

/// What fits, and the keys of which that is true.
const SHAPES: [(u8, &[&str]); 10] = [
    (
        TEXT,
        &[
            "$schema",
            "advisorModel",
            "agent",
            "apiKeyHelper",
            "autoMemoryDirectory",
            "autoUpdatesChannel",
            "awsAuthRefresh",
            "awsCredentialExport",
            "claudeMd",
            "defaultShell",
            "gcpAuthRefresh",
            "language",
            "minimumVersion",
            "model",
            "otelHeadersHelper",
            "outputStyle",
            "parentSettingsBehavior",
            "plansDirectory",
            "pluginTrustMessage",
            "prUrlTemplate",
            "processWrapper",
            "requiredMaximumVersion",
            "requiredMinimumVersion",
            "tui",
            "workflowSizeGuideline",
        ],
    ),
    (TEXT | NULL, &["disableAutoMode", "disableDeepLinkRegistration"]),
    (
        FLAG,
        &[
            "agentPushNotifEnabled",
            "allowAllClaudeAiMcps",
            "alwaysThinkingEnabled",
            "autoCompactEnabled",
            "autoMemoryEnabled",
            "autoScrollEnabled",
            "awaySummaryEnabled",
            "axScreenReader",
            "disableAllHooks",
            "emojiCompletionEnabled",
            "fastMode",
            "fileCheckpointingEnabled",
            "forceRemoteSettingsRefresh",
            "includeCoAuthoredBy",
            "includeGitInstructions",
            "inputNeededNotifEnabled",
            "prefersReducedMotion",
            "respectGitignore",
            "respondToBashCommands",
            "showClearContextOnPlanAccept",
            "showThinkingSummaries",
            "showTurnDuration",
            "spinnerTipsEnabled",
            "syntaxHighlightingDisabled",
            "terminalProgressBarEnabled",
            "verbose",
            "voiceEnabled",
            "wheelScrollAccelerationEnabled",
            "workflowKeywordTriggerEnabled",
            "wslInheritsWindowsSettings",
        ],
    ),
    (
        FLAG | NULL,
        &[
            "allowManagedHooksOnly",
            "allowManagedMcpServersOnly",
            "allowManagedPermissionRulesOnly",
            "channelsEnabled",
            "disableAgentView",
            "disableArtifact",
            "disableBundledSkills",
            "disableClaudeAiConnectors",
            "disableRemoteControl",
            "disableSideloadFlags",
            "disableSkillShellExecution",
            "disableWorkflows",
            "enableAllProjectMcpServers",
            "enableArtifact",
            "enforceAvailableModels",
            "fastModePerSessionOptIn",
            "remoteControlAtStartup",
            "skipDangerousModePermissionPrompt",
            "skipWebFetchPreflight",
            "useAutoModeDuringPlan",
        ],
    ),
    (
        NUMBER,
        &[
            "cleanupPeriodDays",
            "feedbackSurveyRate",
            "skillListingBudgetFraction",
            "skillListingMaxDescChars",
        ],
    ),
    (
        LIST,
        &[
            "allowedChannelPlugins",
            "allowedHttpHookUrls",
            "availableModels",
            "claudeMdExcludes",
            "companyAnnouncements",
            "fallbackModel",
            "httpHookAllowedEnvVars",
            "pluginSuggestionMarketplaces",
            "sshConfigs",
        ],
    ),
    (LIST | NULL, &["blockedMarketplaces", "strictKnownMarketplaces"]),
    (TEXT | LIST, &["disabledMcpjsonServers", "enabledMcpjsonServers", "forceLoginOrgUUID"]),
    (
        OBJECT,
        &[
            "autoMode",
            "enabledPlugins",
            "env",
            "fileSuggestion",
            "modelOverrides",
            "permissions",
            "pluginConfigs",
            "sandbox",
            "skillOverrides",
            "spinnerVerbs",
            "statusLine",
            "voice",
            "worktree",
        ],
    ),
    (FLAG_OR_OBJECT, &["attribution"]),
];
