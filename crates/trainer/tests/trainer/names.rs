//! Names of losses, networks and presets refer to the same things in every crate.

use gan_config::{Conditional, presets};
use gan_trainer::{Error, LOSSES, Loss, TrainConfig, TrainData};

use crate::{lock_generator, new_gan, settings, with};

#[test]
fn every_loss_of_the_settings_has_functions_under_the_same_name_in_the_same_order() {
    let configured = gan_config::LOSS_INFOS.iter().map(|loss| loss.name);
    assert!(LOSSES.iter().map(|loss| loss.name).eq(configured.clone()));
    for name in configured {
        assert_eq!(Loss::by_name(name).unwrap().name, name);
    }
    assert!(Loss::by_name("no-such-loss").is_none());
}

#[test]
fn every_preset_states_the_properties_of_its_networks() {
    for preset in presets() {
        let networks = |name| {
            gan_models::by_name(name, gan_models::DIGITS, None).unwrap_or_else(|| panic!("{name}"))
        };
        let plain = networks(&preset.networks);
        let (g, d) = (&plain.generator, &plain.discriminator);
        let parameters = [g.layout().numel(), d.layout().numel()].map(i64::cast_unsigned);
        assert_eq!(parameters, preset.parameters, "{}", preset.name);
        assert_eq!(g.image_side() == 1, preset.synthetic, "{}", preset.name);
        let already = preset.conditional == Conditional::Always;
        let both = [g.conditional(), d.conditional()];
        assert_eq!(both, [already; 2], "{}", preset.name);
        match &preset.conditional {
            Conditional::Networks(name) => {
                let conditional = networks(name);
                assert!(conditional.generator.conditional(), "{name}");
                assert!(conditional.discriminator.conditional(), "{name}");
                assert_eq!(preset.networks(true).unwrap(), name);
            }
            Conditional::Preset(name) => {
                let other = gan_config::preset(name).unwrap();
                assert_eq!(other.conditional, Conditional::Always, "{name}");
            }
            Conditional::Always | Conditional::Unsupported => {}
        }
    }
}

#[test]
fn every_network_of_gan_models_belongs_to_a_preset() {
    let mut used: Vec<&str> = presets()
        .iter()
        .flat_map(|preset| [preset.networks(false), preset.networks(true)])
        .flatten()
        .collect();
    used.sort_unstable();
    used.dedup();
    let mut all = gan_models::network_names().collect::<Vec<_>>();
    all.sort_unstable();
    assert_eq!(used, all);
}

#[test]
fn the_loss_of_every_preset_has_functions() {
    let _generator = lock_generator();
    for preset in presets() {
        let gan = new_gan(&preset.networks, &preset.settings);
        assert_eq!(gan.objective.loss.name, preset.settings.loss);
    }
}

#[test]
fn unknown_networks_and_losses_are_refused_by_name() {
    let refusal = |loss: &str, networks| {
        let mut settings = settings("golbin");
        settings.loss = loss.to_owned();
        let error = TrainConfig::by_name(settings, networks, &TrainData::Gaussian).unwrap_err();
        assert!(matches!(error, Error::Settings(_)), "{error}");
        error.to_string()
    };
    let refused = refusal("minimax", "golbin-large");
    assert!(refused.starts_with("networks = golbin-large"), "{refused}");
    let refused = refusal("maximin", "golbin");
    assert!(refused.starts_with("loss = maximin"), "{refused}");
    let known = with(settings("golbin"), &["loss=hinge"]);
    TrainConfig::by_name(known, "golbin", &TrainData::Gaussian).unwrap();
}
