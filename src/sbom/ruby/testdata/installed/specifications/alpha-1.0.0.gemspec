# -*- encoding: utf-8 -*-
# stub: alpha 1.0.0 ruby lib

Gem::Specification.new do |s|
  s.name = "alpha".freeze
  s.version = "1.0.0"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.require_paths = ["lib".freeze]
  s.authors = ["A. Person".freeze, "B".freeze]
  s.date = "2026-11-29"
  s.email = ["a@person.example".freeze]
  s.homepage = "https://alpha.example/".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.3.15".freeze
  s.summary = "s".freeze

  s.installed_by_version = "3.3.15" if s.respond_to? :installed_by_version

  if s.respond_to? :specification_version then
    s.specification_version = 4
  end

  if s.respond_to? :add_runtime_dependency then
    s.add_runtime_dependency(%q<beta-lib>.freeze, ["~> 2.0"])
    s.add_development_dependency(%q<devgem>.freeze, [">= 0"])
  else
    s.add_dependency(%q<beta-lib>.freeze, ["~> 2.0"])
    s.add_dependency(%q<devgem>.freeze, [">= 0"])
  end
end
